"""Postgres: the log that is the truth, the catalogue, and the caches made of both.

Plain nouns of `app.domain` enter and leave; every call takes a `Database` first and is one transaction or less.
Hot paths speak psycopg (`append`, `profiles`), cold ones SQLAlchemy Core over `tables`.
Start with `engine` (connections, retries) and `append` (how a batch is written); `embedded` runs a server.
"""
