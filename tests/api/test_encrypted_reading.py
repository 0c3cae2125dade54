"""What test_reading says holds where users are stored encrypted."""

from .encrypted import client, service  # noqa: F401
from .test_reading import *  # noqa: F403
