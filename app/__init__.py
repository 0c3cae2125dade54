"""Portrait: a recommendation service whose user profiles are alive.

The log of behaviours is the truth and a profile is a fold of that log, made when it is read; so the answer
after a behaviour already knows it. Floors and rooms are held by import-linter (pyproject.toml). Start reading
at `app.main`, then `app.services.record_behaviors` (write) and `app.services.recommend` (read).
"""
