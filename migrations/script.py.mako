"""${message}

Rules of a step: the release before it must keep working while it runs and after it. Add a column nullable, fill it
in batches, enforce in a later step; build an index of a large table CONCURRENTLY in a step of its own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Give up and be run again rather than queue behind a long query and stop all traffic.
    op.execute("SET LOCAL lock_timeout = '3s'")
    ${upgrades if upgrades else "pass"}
