"""Triggers: those in force, what became of each at each event, and the notices that they left."""

from alembic import op

from bankloop.store.migrations.first.conditions import IN_UNITS, KNOWN, NO_BOOK, PROGRAM, may, own_customer
from bankloop.store.migrations.first.room import APPEND, KEEP, OWNER, Access, scopes, secure_table

revision = "0032"
down_revision = "0031"

ROOM_OF = dict.fromkeys(("trigger_rule", "trigger_firing", "trigger_notice"), "journey")

# One row for a trigger at an event of a customer, whatever crashes when and whoever is at work: its effects are made in
# the transaction that makes it.
_TABLES = """
CREATE TABLE trigger_rule (
    name text PRIMARY KEY, digest text NOT NULL, content jsonb NOT NULL, reads text[] NOT NULL,
    since timestamptz NOT NULL DEFAULT bankloop_now(), stopped_at timestamptz, reason text NOT NULL DEFAULT '',
    CHECK (stopped_at IS NULL OR reason <> '')
);

CREATE TABLE trigger_firing (
    name text NOT NULL, event_key text NOT NULL, customer_no text NOT NULL, unit_id text NOT NULL, digest text NOT NULL,
    state text NOT NULL CHECK (state IN ('fired', 'suppressed', 'waiting', 'over')),
    code text NOT NULL DEFAULT '', reason jsonb NOT NULL DEFAULT '{}', effects text[] NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL, accepted_at timestamptz NOT NULL,
    fired_at timestamptz, due_at timestamptz,
    PRIMARY KEY (name, event_key, customer_no),
    CHECK ((state = 'fired') = (fired_at IS NOT NULL)), CHECK (state <> 'waiting' OR due_at IS NOT NULL),
    CHECK (state <> 'suppressed' OR code <> '')
);
CREATE INDEX trigger_firing_due ON trigger_firing (due_at) WHERE state = 'waiting';
CREATE INDEX trigger_firing_customer ON trigger_firing (customer_no, name, occurred_at);
CREATE INDEX trigger_firing_moment ON trigger_firing (accepted_at);

CREATE TABLE trigger_notice (
    notice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, event_key text NOT NULL,
    customer_no text NOT NULL, unit_id text NOT NULL, role text NOT NULL, title jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT bankloop_now(),
    UNIQUE (name, event_key, customer_no, role),
    FOREIGN KEY (name, event_key, customer_no) REFERENCES trigger_firing
);
CREATE INDEX trigger_notice_role ON trigger_notice (role, made_at)
"""


def _seen(table: str) -> str:
    """Return who sees rows about a customer: whose units or whose book they are of."""
    return f"(({NO_BOOK} AND {IN_UNITS}) OR {own_customer(table)})"


_CONSENTS = may("trigger.approve", "trigger.review", "trigger.comply", "trigger.submit")

ACCESS = {
    # Whoever tells an event asks which are waited for; the last who consents puts a trigger in force.
    "trigger_rule": Access(KEEP, scopes(KNOWN, _CONSENTS, _CONSENTS)),
    "trigger_firing": Access(KEEP, scopes(f"{may('trigger.read')} AND {_seen('trigger_firing')}", PROGRAM, PROGRAM)),
    "trigger_notice": Access(APPEND, scopes(f"{may('trigger.read')} AND {_seen('trigger_notice')}", PROGRAM)),
}


def upgrade() -> None:
    """Make the tables of triggers and their policies."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_TABLES)
    for table, access in ACCESS.items():
        secure_table(table, access)
    op.execute("RESET ROLE")
