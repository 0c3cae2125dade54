"""Speed of the running service, measured from outside on the machine at hand.

In: the product as a user starts it (`portrait import`, `portrait serve`) and real purchases (completejourney).
Out: the table of `python -m benchmarks.speed`, kept with its losses in LOG.md.
Start with `speed`; `client` is the load generator, `world` the data set, `server` the processes.
"""
