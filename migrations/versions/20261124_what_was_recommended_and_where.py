"""What was recommended, scenarios, and which behaviours came of a recommendation. The release before uses none.

The index of behaviours is made by one pass over the log, in which writers wait. Made CONCURRENTLY it would wait for
those who wait for this migration to end.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261124_recommendations"
down_revision = "20261124_narrations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "recommendations",
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("scenario", sa.Text(), nullable=True),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("profile_version", sa.BigInteger(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("space_version", sa.Text(), nullable=False),
        sa.Column("catalogue_version", sa.BigInteger(), nullable=False),
        sa.Column("wish", JSONB(), nullable=False),
        sa.Column("degraded", sa.Boolean(), nullable=False),
        sa.Column("fallback_reason", sa.Text(), nullable=True),
        sa.Column("items", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("recommendation_id", name=op.f("pk_recommendations")),
    )
    op.create_index(
        "ix_recommendations_user_id_generated_at", "recommendations", ["user_id", "generated_at"], unique=False
    )
    op.create_index(
        "ix_recommendations_generated_at",
        "recommendations",
        ["generated_at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )
    op.create_table(
        "scenarios",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scenarios")),
    )
    op.create_index(
        "ix_behaviors_recommendation_id",
        "behaviors",
        [sa.text("(extra ->> 'recommendation_id'::text)")],
        unique=False,
        postgresql_where=sa.text("(extra ->> 'recommendation_id'::text) IS NOT NULL"),
    )
