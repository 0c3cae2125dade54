"""The clock's work and the queue's, in a process of its own: vectors, item spaces, learning.

A context and an event that ends it enter; what leaves lies in the database and the registry, for the workers.
Start with `worker`, then `schedule` (what is done how often) and `run` (one long job, watched and cancelled).
"""
