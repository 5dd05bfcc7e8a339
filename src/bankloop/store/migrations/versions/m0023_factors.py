"""Wrong codes are counted by themselves, and a new second factor waits beside the one in force."""

from alembic import op

from bankloop.store.migrations.first.room import AUDITOR, OWNER

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the count and the factor that waits for its first code."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(
        "ALTER TABLE account ADD COLUMN code_failures integer NOT NULL DEFAULT 0 CHECK (code_failures >= 0), "
        "ADD COLUMN totp_next bytea"
    )
    op.execute(f"GRANT SELECT (code_failures) ON account TO {AUDITOR}")
    op.execute("RESET ROLE")
