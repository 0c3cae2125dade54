"""Users stored under pseudonyms and encrypted, where there is a master key. The release before writes plain text only.

What is added is NULL for the rows that are there, so nothing is rewritten.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261126_vault"
down_revision = "20261125_budget"
branch_labels = None
depends_on = None

# A process that was started without the key, or by the release before, must not add anybody in plain text.
_KEEP = """
CREATE FUNCTION keep_users_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE (sealed_key IS NULL) = EXISTS (SELECT FROM vault)) THEN
        RAISE EXCEPTION 'users are stored encrypted or not, not both' USING ERRCODE = '55000';
    END IF;
    RETURN NULL;
END
$$
"""
_TRIGGER = """
CREATE TRIGGER keep_users_sealed AFTER INSERT ON users REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION keep_users_sealed()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("users", sa.Column("sealed_key", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("sealed_id", sa.Text(), nullable=True))
    op.create_table(
        "vault",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("lookup", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_vault_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_vault")),
    )
    op.execute(_KEEP)
    op.execute(_TRIGGER)
