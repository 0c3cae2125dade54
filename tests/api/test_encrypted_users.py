"""What test_users says holds where users are stored encrypted, but for the order of their list."""

import httpx2

from .encrypted import client, service  # noqa: F401
from .test_users import *  # noqa: F403


def test_users_and_their_behaviors_are_listed_page_by_page(client: httpx2.Client) -> None:  # noqa: F811
    """Everybody comes once, in the order of their pseudonyms."""
    for n in range(9):
        client.post("/behaviors", json=[{"user_id": f"listed-{n}", "type": "view", "item_id": "i"}])
    seen, query = [], {"limit": "2"}
    while True:
        page = client.get("/users", params=query).json()
        seen += [user["user_id"] for user in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(user for user in seen if user.startswith("listed-")) == [f"listed-{n}" for n in range(9)]
    assert len(set(seen)) == len(seen)
