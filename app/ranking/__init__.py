"""From candidates to a slate: what may be shown, in which order, and why.

Masks, scores and vectors enter, masks, places and shares leave; nothing here knows where candidates come from.
Start with `filters`, then `diversify` and `explain`.
"""
