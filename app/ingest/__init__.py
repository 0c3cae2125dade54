"""From what somebody sent to facts that can be trusted: pure rules, no clock, no I/O.

A raw JSON value enters, a `Behavior` or an `Item` leaves, or the `Fault`s that tell what is wrong with it.
Start with `clean`; then `dedupe` (repeats), `screen` (robots and bursts) and `weigh` (type -> weight).
"""
