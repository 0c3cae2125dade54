"""The clock's work, in a process of its own: vectors for waiting texts, new item spaces, refitted generators.

A context and an event that ends it enter; what leaves lies in the database and the registry, for the workers.
Start with `worker`, then `schedule` (what is done how often).
"""
