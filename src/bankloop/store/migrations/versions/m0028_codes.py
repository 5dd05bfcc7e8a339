"""Channel codes and their scans: whose code it is, and each scan with where it hung and what became of it."""

from alembic import op

from bankloop.store.migrations.first.conditions import IN_UNITS, NO_BOOK, PROGRAM, may, setting
from bankloop.store.migrations.first.room import APPEND, KEEP, OWNER, Access, scopes, secure_table

revision = "0028"
down_revision = "0027"

ROOM_OF = dict.fromkeys(("channel_code", "channel_code_scan"), "growth")

_TABLES = """
CREATE TABLE channel_code (
    code text PRIMARY KEY CHECK (code ~ '^[a-z2-7]{8}$'), title text NOT NULL CHECK (title <> ''),
    staff_id text NOT NULL, unit_id text NOT NULL, campaign text NOT NULL, scene text NOT NULL, places text[] NOT NULL,
    since date NOT NULL, until date NOT NULL, revoked_at timestamptz, reason text NOT NULL DEFAULT '',
    made_by text NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CHECK (until >= since), CHECK (revoked_at IS NULL OR reason <> '')
);
CREATE INDEX channel_code_staff ON channel_code (staff_id);
CREATE INDEX channel_code_unit ON channel_code (unit_id, made_at);

CREATE TABLE channel_code_scan (
    scan_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL REFERENCES channel_code,
    place text NOT NULL, device text NOT NULL, state text NOT NULL,
    scanned_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX channel_code_scan_code ON channel_code_scan (code, scanned_at)
"""

_OWN = f"(({NO_BOOK} AND {IN_UNITS}) OR staff_id = {setting('book')})"
_OF_CODE = "(SELECT true FROM channel_code c WHERE c.code = channel_code_scan.code LIMIT 1)"

ACCESS = {
    "channel_code": Access(
        KEEP,
        scopes(
            f"{may('channel_code.read')} AND {_OWN}",
            f"{may('channel_code.make')} AND {_OWN}",
            f"{may('channel_code.revoke')} AND {_OWN}",
        ),
    ),
    "channel_code_scan": Access(APPEND, scopes(_OF_CODE, PROGRAM)),
}


def upgrade() -> None:
    """Make the tables of channel codes and their policies."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_TABLES)
    for table, access in ACCESS.items():
        secure_table(table, access)
    op.execute("RESET ROLE")
