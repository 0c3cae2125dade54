"""The nouns of Portrait and the tree of its errors.

Nothing enters but plain values, and nothing here reads a clock, a file or a database.
Every other room speaks in these words. Start with `behavior`, `item` and `profile`; `errors` draws its tree.
"""
