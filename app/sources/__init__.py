"""Other people's data, as behaviours and items that could have been posted.

Files or an installed data set enter; batches of plain dicts leave, each with its place in the file, so that a refused
record can be found again. Nothing is stored here. Start with `base` (what a source is), then `completejourney` and
`movielens` (known layouts) and `files` (any CSV, JSONL or Parquet file, its columns guessed by `guess`).
"""
