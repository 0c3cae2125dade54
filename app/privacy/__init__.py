"""What keeps people unknown: pure rules over ids and a secret, no clock, no I/O.

An id enters with the secret of the installation, a pseudonym leaves; so do signatures of receipts.
Start with `pseudonyms`, then `admit` (what may still be stored of whom).
"""
