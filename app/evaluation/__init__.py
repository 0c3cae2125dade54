"""The exam: how well a system would have ranked what people really did next, under a clock that cannot be turned back.

`Events` and any `Scorer` enter, per-query ranks, intervals and verdicts leave. No clock and no I/O; randomness comes
in as a seed. Start with `split` (what may be known when), then `replay` (the queries), `metrics` (what the ranks say)
and `bootstrap` (whether a difference is one). `baselines` are the competitors, `tuning` gives each its best setting,
`gate` decides who serves.
"""
