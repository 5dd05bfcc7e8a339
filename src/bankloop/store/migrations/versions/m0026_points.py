"""Points of customers: lots that end on their day, what was spent of which of them, a report a day."""

from alembic import op

from bankloop.store.migrations.first.conditions import WHOLE_BANK, may, own_customer
from bankloop.store.migrations.first.room import KEEP, OWNER, Access, scopes, secure_table

revision = "0026"
down_revision = "0025"

ROOM_OF = dict.fromkeys(("points_lot", "points_spend", "points_part", "points_report"), "benefit")

_TABLES = """
CREATE TABLE points_lot (
    lot text PRIMARY KEY CHECK (lot <> ''), customer_no text NOT NULL, points bigint NOT NULL CHECK (points > 0),
    remaining bigint NOT NULL CHECK (remaining BETWEEN 0 AND points),
    state text NOT NULL CHECK (state IN ('pending', 'active', 'expired', 'taken_back')), rule text NOT NULL,
    reason text NOT NULL, issuer text NOT NULL, earned_on date NOT NULL, active_from date NOT NULL, expires_on date,
    earned_at timestamptz NOT NULL DEFAULT bankloop_now(), made_by text NOT NULL,
    CHECK (state NOT IN ('expired', 'taken_back') OR remaining = 0), CHECK (expires_on > active_from)
);
CREATE INDEX points_lot_customer ON points_lot (customer_no, expires_on, lot);
CREATE INDEX points_lot_pending ON points_lot (active_from) WHERE state = 'pending';
CREATE INDEX points_lot_ending ON points_lot (expires_on) WHERE state = 'active' AND remaining > 0;

CREATE TABLE points_spend (
    spend text PRIMARY KEY CHECK (spend <> ''), customer_no text NOT NULL, points bigint NOT NULL CHECK (points > 0),
    returned bigint NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND points), reason text NOT NULL,
    made_by text NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX points_spend_customer ON points_spend (customer_no, made_at);

CREATE TABLE points_part (
    spend text NOT NULL REFERENCES points_spend, lot text NOT NULL REFERENCES points_lot,
    points bigint NOT NULL CHECK (points > 0), returned bigint NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND points),
    PRIMARY KEY (spend, lot)
);

CREATE TABLE points_report (
    day date PRIMARY KEY, figures jsonb NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
)
"""

_WRITES = f"{WHOLE_BANK} AND {may('points.adjust', 'points.spend', 'points.give_back', 'points.take_back')}"
_PART = "(SELECT true FROM points_spend s WHERE s.spend = points_part.spend LIMIT 1)"


def _seen(table: str) -> str:
    return f"{may('points.read')} AND ({WHOLE_BANK} OR {own_customer(table)})"


ACCESS = {
    "points_lot": Access(KEEP, scopes(_seen("points_lot"), _WRITES, _WRITES)),
    "points_spend": Access(KEEP, scopes(_seen("points_spend"), _WRITES, _WRITES)),
    "points_part": Access(KEEP, scopes(_PART, _WRITES, _WRITES)),
    "points_report": Access(KEEP, scopes(f"{WHOLE_BANK} AND {may('ledger.read')}", _WRITES, _WRITES)),
}


def upgrade() -> None:
    """Make the tables of points and their policies."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_TABLES)
    for table, access in ACCESS.items():
        secure_table(table, access)
    op.execute("RESET ROLE")
