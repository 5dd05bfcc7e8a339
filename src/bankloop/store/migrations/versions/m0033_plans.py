"""What a branch adds of the benefits left to it; a manager's plans for customers, their steps and what came."""

from alembic import op

from bankloop.store.migrations.first.conditions import IN_UNITS, NO_BOOK, may, own_customer
from bankloop.store.migrations.first.room import KEEP, OWNER, Access, scopes, secure_table

revision = "0033"
down_revision = "0032"

ROOM_OF = dict.fromkeys(("account_plan", "account_plan_step"), "care")

_ADDED = """
ALTER TABLE narrowing ADD COLUMN added jsonb NOT NULL DEFAULT '{}';
ALTER TABLE narrowing DROP CONSTRAINT narrowing_says;
ALTER TABLE narrowing ADD CONSTRAINT narrowing_says
    CHECK (condition <> '' OR per_week IS NOT NULL OR withheld <> '{}' OR added <> '{}')
"""
_TABLES = """
CREATE TABLE account_plan (
    plan_id uuid PRIMARY KEY, customer_no text NOT NULL, unit_id text NOT NULL, staff_id text NOT NULL,
    goal text NOT NULL CHECK (goal <> ''), until date NOT NULL,
    outcome text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'reached', 'missed', 'dropped')),
    said text NOT NULL DEFAULT '', made_at timestamptz NOT NULL, ended_at timestamptz,
    CHECK ((ended_at IS NULL) = (outcome = ''))
);
CREATE UNIQUE INDEX account_plan_open ON account_plan (customer_no, staff_id) WHERE ended_at IS NULL;
CREATE INDEX account_plan_staff ON account_plan (staff_id) WHERE ended_at IS NULL;

CREATE TABLE account_plan_step (
    plan_id uuid NOT NULL REFERENCES account_plan, step integer NOT NULL CHECK (step > 0),
    what text NOT NULL CHECK (what <> ''), due_on date NOT NULL, done_at timestamptz, done_by text NOT NULL DEFAULT '',
    said text NOT NULL DEFAULT '', PRIMARY KEY (plan_id, step), CHECK ((done_at IS NULL) = (done_by = ''))
)
"""

_OWN = f"({IN_UNITS} AND ({NO_BOOK} OR {own_customer('account_plan')}))"
_OF_PLAN = "(SELECT true FROM account_plan p WHERE p.plan_id = account_plan_step.plan_id LIMIT 1)"

ACCESS = {
    "account_plan": Access(
        KEEP,
        scopes(
            f"{may('account_plan.read')} AND {_OWN}",
            f"{may('account_plan.make')} AND {_OWN}",
            f"{may('account_plan.end')} AND {_OWN}",
        ),
    ),
    "account_plan_step": Access(
        KEEP,
        scopes(_OF_PLAN, f"{may('account_plan.make')} AND {_OF_PLAN}", f"{may('account_plan.step')} AND {_OF_PLAN}"),
    ),
}


def upgrade() -> None:
    """Let branches' rules add benefits; make the tables of account plans and their policies."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_ADDED)
    op.execute(_TABLES)
    for table, access in ACCESS.items():
        secure_table(table, access)
    op.execute("RESET ROLE")
