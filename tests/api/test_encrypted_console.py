"""What test_console says holds where users are stored encrypted, but for ids that are known by their beginning."""

import httpx2

from .encrypted import client, service  # noqa: F401
from .test_console import *  # noqa: F403
from .test_console import page


def test_search_finds_users_by_the_beginning_of_their_id_and_items_by_words(client: httpx2.Client, ann: str) -> None:  # noqa: F811
    """Only a whole id has a keyed hash that can be looked up."""
    assert f"/console/users/{ann}" in page(client, f"/console/search?q={ann}")
    assert f"/console/users/{ann}" not in page(client, "/console/search?q=ct-an")
