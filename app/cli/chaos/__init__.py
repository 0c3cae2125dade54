"""`portrait chaos`: a service of its own is posted to while it, its Postgres and the wire between them are killed.

Seconds, a number of behaviours and a seed enter; a table leaves: what was acknowledged beside what is stored.
Start with `run` (who starts, kills and asks), then `proxy` (the wire), `clients` (who never gives up) and `ledger`
(what was sent, and the checker).
"""
