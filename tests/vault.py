"""What the tests of an encrypted database say often."""

from __future__ import annotations

import base64

from app.privacy.encryption import MasterKeys

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
MASTER = MasterKeys(KEY)
# For a fixture `master` that runs the tests of a module on a database in plain text and on an encrypted one.
BOTH_WAYS = {"params": [None, MASTER], "ids": ["plain", "encrypted"]}


def encoded(key: bytes) -> str:
    """As PORTRAIT_MASTER_KEY is written."""
    return base64.b64encode(key).decode()
