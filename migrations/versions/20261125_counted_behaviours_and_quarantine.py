"""How many behaviours each user's log holds, counted as they enter, and a place for those that cannot be folded.

Counting is a trigger's work, so that the release before counts too while both run. Writers of behaviours wait while
those that are there are counted (a second for some million rows).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_quarantine"
down_revision = "20261124_api_keys"
branch_labels = None
depends_on = None

_COUNT = """
CREATE FUNCTION count_behaviors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users u SET n_behaviors = u.n_behaviors + a.n
    FROM (SELECT user_id, count(*) AS n FROM added GROUP BY user_id) a WHERE u.user_id = a.user_id;
    RETURN NULL;
END $$
"""
_ON_INSERT = """
CREATE TRIGGER count_behaviors AFTER INSERT ON behaviors REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION count_behaviors()
"""
_COUNT_ALL = """
UPDATE users u SET n_behaviors = b.n
FROM (SELECT user_id, count(*) AS n FROM behaviors GROUP BY user_id) b WHERE b.user_id = u.user_id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("users", sa.Column("n_behaviors", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_table(
        "quarantine",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("behavior_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_quarantine_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "behavior_id", name=op.f("pk_quarantine")),
    )
    op.execute(_COUNT)
    op.execute(_ON_INSERT)
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute(_COUNT_ALL)
