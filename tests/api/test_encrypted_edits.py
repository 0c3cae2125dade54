"""What test_edits says holds where users are stored encrypted."""

from .encrypted import client, service  # noqa: F401
from .test_edits import *  # noqa: F403
