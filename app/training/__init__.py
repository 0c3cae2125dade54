"""From the log to fitted generators.

The log enters as CSV (storage's `copy_log`), a function that writes an artifact's files leaves.
Start with `dataset` (log -> arrays), then `generators` (fits them all). `encoder` is for itself.
"""
