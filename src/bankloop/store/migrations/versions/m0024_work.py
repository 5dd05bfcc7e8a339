"""Long work is a durable queue: held by a lease, tried again, cancelled, put aside; duties and counts are shared.

A job that an earlier process left has no lease, so that the next worker takes it up.
"""

from alembic import op

from bankloop.store.migrations.first.conditions import PRINCIPAL, may
from bankloop.store.migrations.first.room import APP, AUDITOR, OWNER

revision = "0024"
down_revision = "0023"

ROOM_OF = {"duty": "store", "rate_count": "store"}

_COLUMNS = (
    "ALTER TABLE job ADD COLUMN role text NOT NULL DEFAULT '', ADD COLUMN purpose text NOT NULL DEFAULT '', "
    "ADD COLUMN attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0), "
    "ADD COLUMN due_at timestamptz NOT NULL DEFAULT bankloop_now(), ADD COLUMN worker text, "
    "ADD COLUMN held_until timestamptz, ADD COLUMN cancel_at timestamptz, DROP CONSTRAINT job_state_check, "
    "ADD CONSTRAINT job_state_check CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'dead'))"
)
_INDEX = "CREATE INDEX job_open ON job (due_at, job_id) WHERE state IN ('waiting', 'running')"
_DUTY = (
    "CREATE TABLE duty (name text PRIMARY KEY, due_at timestamptz NOT NULL, worker text NOT NULL, "
    "held_until timestamptz NOT NULL, began_at timestamptz NOT NULL DEFAULT bankloop_now(), ended_at timestamptz, "
    "mark text NOT NULL DEFAULT '', error text)"
)
_COUNT = (
    "CREATE TABLE rate_count (key text, began_at timestamptz, hits integer NOT NULL CHECK (hits > 0), "
    "PRIMARY KEY (key, began_at))"
)
_OWN = f"person_id = {PRINCIPAL}"
_POLICIES = (
    f"FOR SELECT USING ({_OWN} OR {may('job.read')})",
    f"FOR INSERT WITH CHECK ({_OWN})",
    f"FOR UPDATE USING ({_OWN} OR {may('job.retry')}) WITH CHECK ({_OWN} OR {may('job.retry')})",
)


def upgrade() -> None:
    """Widen the jobs' table, and add who did which duty last and how often somebody tried to prove who they are."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for statement in (_COLUMNS, _INDEX, _DUTY, _COUNT, "DROP POLICY own ON job"):
        op.execute(statement)
    for name, policy in zip(("read", "add", "change"), _POLICIES, strict=True):
        op.execute(f"CREATE POLICY {name} ON job {policy}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON duty TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON rate_count TO {APP}")
    op.execute(f"GRANT SELECT ON duty, rate_count TO {AUDITOR}")
    op.execute("RESET ROLE")
