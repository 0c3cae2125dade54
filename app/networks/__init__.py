"""Neural networks: tensors in, tensors out; no files but the weights that `forward` reads, no clock, no log.

Batches of behaviours enter, hidden states (whose products with the items are scores) and losses leave.
Start with `decoder`, then `losses` (what it is trained for) and `forward` (one user at a time, for serving).
"""
