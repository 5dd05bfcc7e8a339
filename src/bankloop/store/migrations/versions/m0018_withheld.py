"""Eighteenth: the benefits that a branch withholds from its own customers, beside its condition and its cap."""

from alembic import op

revision = "0018"
down_revision = "0017"

OWNER = "bankloop_owner"


def upgrade() -> None:
    """Let a branch's rule withhold benefits."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute("ALTER TABLE narrowing ADD COLUMN withheld text[] NOT NULL DEFAULT '{}'")
    op.execute(
        "ALTER TABLE narrowing DROP CONSTRAINT narrowing_check, ADD CONSTRAINT narrowing_says "
        "CHECK (condition <> '' OR per_week IS NOT NULL OR withheld <> '{}')"
    )
    op.execute("RESET ROLE")
