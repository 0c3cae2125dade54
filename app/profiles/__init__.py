"""The living profile: a pure fold of a user's log, and its reading in facets and words.

Interactions enter, a `Profile` leaves. No clock, no I/O: the moment of reading is an argument.
Start with `state` (what is kept) and `fold` (how), then `interests` and `describe` (how it is read);
`understand` compiles what a person says about it.
"""
