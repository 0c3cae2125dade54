"""The use cases, one verb a file: what the service does, in the order it does it.

A `Context` (parts) and plain arguments enter, nouns of `app.domain` leave; a service owns its transaction.
Start with `record_behaviors` (write) and `recommend` (read).
"""
