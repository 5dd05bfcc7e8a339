"""What came of the events that were told: a count by type for each time that a source told some."""

from alembic import op

from bankloop.store.migrations.first.conditions import PROGRAM, may
from bankloop.store.migrations.first.room import APPEND, OWNER, Access, scopes, secure_table

revision = "0029"
down_revision = "0028"

ROOM_OF = {"event_receipt": "customer"}

_TABLES = """
CREATE TABLE event_receipt (
    receipt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, type text NOT NULL,
    taken bigint NOT NULL CHECK (taken >= 0), late bigint NOT NULL CHECK (late BETWEEN 0 AND taken),
    known bigint NOT NULL CHECK (known >= 0), refused jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX event_receipt_moment ON event_receipt (received_at);
CREATE INDEX event_recorded ON event USING brin (recorded_at)
"""

# Interactions are events of their channel now: told again under the same number they are known.
_NAMED = (
    "UPDATE event_key SET source = substr(source, 13) WHERE starts_with(source, 'interaction:')",
    f"CREATE POLICY moving ON event TO {OWNER} USING (true) WITH CHECK (true)",
    "UPDATE event SET source = substr(source, 13) WHERE starts_with(source, 'interaction:')",
    "DROP POLICY moving ON event",
)

ACCESS = {"event_receipt": Access(APPEND, scopes(may("event.read"), PROGRAM))}


def upgrade() -> None:
    """Make the table of receipts and its policies, and find events by when they became known."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_TABLES)
    for table, access in ACCESS.items():
        secure_table(table, access)
    for statement in _NAMED:
        op.execute(statement)
    op.execute("RESET ROLE")
