"""The shapes on the wire, declared for /docs and for clients that are generated from /openapi.json.

Nothing here is on a hot path: nouns of `app.domain` are encoded as they are, and a test compares.
"""
