"""Until where each user's log was learned from, and who has news. The release before uses neither.

The index is a BRIN: it is made by one pass over the log, in which writers wait (a second for some million rows). Made
CONCURRENTLY it would wait for those who wait for this migration to end.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124_learned"
down_revision = "20261124_jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "learned",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_learned_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_learned")),
    )
    op.create_index(
        "ix_behaviors_received_at",
        "behaviors",
        ["received_at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )
