"""What test_behaviors says holds where users are stored encrypted."""

from .encrypted import client, service  # noqa: F401
from .test_behaviors import *  # noqa: F403
