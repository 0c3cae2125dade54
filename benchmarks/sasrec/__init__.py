"""SASRec (RecTools) under the same exam, in an environment of its own: `make bench-env`.

An exam enters as one .npz file, the outcome of each track leaves as another; in between `python -m benchmarks.sasrec`
runs the ordinary replay in .venv-bench. Start with `scorer`; `exchange` is the files.
"""
