"""A message may have its moment: it is not handed out before it, and a failed one waits longer each time.

Who gives a failed part up records its contacts as stopped.
"""

from alembic import op

from bankloop.store.migrations.first.conditions import SURELY_WHOLE_BANK, may
from bankloop.store.migrations.first.room import APP

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add when a message is due and when it was last tried; what waits already is due."""
    op.execute("ALTER TABLE outbox ADD COLUMN due_at timestamptz, ADD COLUMN tried_at timestamptz")
    op.execute(
        f"CREATE POLICY given_up ON contact_stop FOR INSERT TO {APP} "
        f"WITH CHECK (reason = 'delivery:given_up' AND {may('message.drop')} AND {SURELY_WHOLE_BANK})"
    )
