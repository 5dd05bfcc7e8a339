"""Outside staff: who of another company is let in until which day, and who of the bank's own answers for them."""

from alembic import op

from bankloop.store.migrations.first.conditions import KNOWN, may
from bankloop.store.migrations.first.room import KEEP, OWNER, Access, scopes, secure_table

revision = "0030"
down_revision = "0029"

ROOM_OF = {"outside_staff": "organization"}

_TABLE = """
CREATE TABLE outside_staff (
    staff_id text PRIMARY KEY, company text NOT NULL CHECK (company <> ''),
    sponsor_id text NOT NULL, until date NOT NULL, reason text NOT NULL,
    made_by text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CHECK (sponsor_id <> staff_id)
)
"""
# Read by whoever is told who somebody is: every request asks it of its own person.
ACCESS = Access(KEEP, scopes(KNOWN, may("staff.admit"), may("staff.admit")))


def upgrade() -> None:
    """Make the table and its policies."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_TABLE)
    secure_table("outside_staff", ACCESS)
    op.execute("RESET ROLE")
