"""What the service counts of itself, for Prometheus.

Numbers enter from wherever something happens; `GET /metrics` leaves, summed over all processes of this machine.
No label holds an id, a text or a key: every value of every label is one of a few words of ours.
Start with `metrics`.
"""
