"""What test_why says holds where users are stored encrypted."""

from .encrypted import client, service  # noqa: F401
from .test_why import *  # noqa: F403
