"""What test_people says holds where users are stored encrypted."""

from .encrypted import client, service  # noqa: F401
from .test_people import *  # noqa: F403
