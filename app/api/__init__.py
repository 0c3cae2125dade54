"""The HTTP door: bytes become plain arguments for a service, and its nouns become bytes again.

A request enters through `gate` (id, key, last resort), `strict_route` (no unknown parameters) and `body` with
`json_reader` (the one strict JSON reader). An answer leaves through `answers`, a failure through `errors`.
Start with `routes/behaviors`, then `errors`; API.md in the design folder is the contract.
"""
