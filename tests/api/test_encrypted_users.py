"""What test_users says holds where users are stored encrypted."""

from .encrypted import client, service  # noqa: F401
from .test_users import *  # noqa: F403
