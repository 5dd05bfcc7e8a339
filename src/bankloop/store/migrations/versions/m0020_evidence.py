"""Twentieth: the task that shows one person's share of a deal: several people's tasks may stand behind one sale."""

from alembic import op

revision = "0020"
down_revision = "0019"

OWNER = "bankloop_owner"


def upgrade() -> None:
    """Let a share name its own task."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute("ALTER TABLE credit_share ADD COLUMN task_id uuid")
    op.execute("RESET ROLE")
