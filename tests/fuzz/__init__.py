"""Bad input: raw bytes over sockets to the real service, made from its own description.

    openapi.json -> description -> samples (a valid request) -> mutate_tree, mutate_body, mutate_head -> mutants
    a seed and a number -> mutants -> link (sends) -> checks (of the answer), readback (of what was taken) -> campaign

What was found is kept in `found` and sent again in every run. Start reading at `campaign`.
"""
