"""Ninth: tasks of every kind with their clocks, and what was done with each, appended.

A task has an id of its own; a plan's decision is one of the things that make tasks. A manager may add a follow-up for a
customer of the own book; what was done is seen by whoever sees the task.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
ALTER TABLE staff_task RENAME COLUMN decision_id TO task_id;
ALTER TABLE staff_task ADD COLUMN kind text NOT NULL DEFAULT 'campaign', ADD COLUMN source_key text,
    ADD COLUMN made_at timestamptz NOT NULL DEFAULT bankloop_now(), ADD COLUMN start_at timestamptz,
    ADD COLUMN due_at timestamptz, ADD COLUMN responded_at timestamptz, ADD COLUMN done_at timestamptz,
    ADD COLUMN outcome text NOT NULL DEFAULT '', ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN escalated integer NOT NULL DEFAULT 0, ADD COLUMN parent_id uuid, ADD COLUMN list_id uuid;
ALTER TABLE staff_task DROP CONSTRAINT staff_task_state_check;
ALTER TABLE staff_task ADD CONSTRAINT staff_task_state CHECK (state IN ('CREATED', 'ALLOTTED', 'ASSIGNED', 'ACCEPTED',
    'IN_PROGRESS', 'DONE', 'REJECTED', 'RECALLED', 'EXPIRED'));
CREATE UNIQUE INDEX staff_task_source ON staff_task (source_key) WHERE source_key IS NOT NULL;
CREATE INDEX staff_task_list ON staff_task (list_id) WHERE list_id IS NOT NULL;
CREATE INDEX staff_task_clock ON staff_task (due_at) WHERE state IN ('CREATED', 'ALLOTTED', 'ASSIGNED', 'ACCEPTED', 'IN_PROGRESS');

CREATE TABLE task_event (
    event_id uuid PRIMARY KEY, task_id uuid NOT NULL REFERENCES staff_task, act text NOT NULL, person text NOT NULL,
    human boolean NOT NULL, outcome text NOT NULL DEFAULT '', note text NOT NULL DEFAULT '', next_at timestamptz,
    client_key text, happened_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX task_event_task ON task_event (task_id, happened_at);
CREATE UNIQUE INDEX task_event_client ON task_event (task_id, client_key) WHERE client_key IS NOT NULL;
"""

RIGHTS = "(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY[{0}], false))"
ACTS = ("assign", "finish", "expire", "accept", "log", "reject", "escalate", "recall", "dispatch", "withdraw")
MAY_CHANGE = RIGHTS.format(", ".join(["'*'", *(f"'task.{act}'" for act in ACTS)]))
MAY_READ = RIGHTS.format("'*', 'task.read'")
MAY_CREATE, MAY_OPEN = RIGHTS.format("'*', 'task.create'"), RIGHTS.format("'task.open'")
MAY_ADD = f"({MAY_CREATE} OR (kind <> 'campaign' AND {MAY_OPEN}))"
WRITES_FOR = (
    "((SELECT current_setting('bankloop.units', true) = '*') OR unit_id IN "
    "(SELECT unnest(string_to_array(current_setting('bankloop.units', true), ',')))) "
    "AND (SELECT coalesce(current_setting('bankloop.book', true), '') = '')"
)
MAY_LOG = RIGHTS.format("'*', 'task.log'")
PRINCIPAL = "(SELECT coalesce(current_setting('bankloop.principal', true), ''))"
NOW = "(SELECT current_setting('bankloop.now', true)::timestamptz)"
OWN_CUSTOMER = (
    "(SELECT true FROM customer_book b WHERE b.customer_no = staff_task.customer_no "
    f"AND b.valid_from <= {NOW} AND (b.valid_to IS NULL OR b.valid_to > {NOW}) LIMIT 1)"
)
WHOLE_BANK = (
    "(SELECT current_setting('bankloop.units', true) = '*' AND current_setting('bankloop.lines', true) = '*' "
    "AND coalesce(current_setting('bankloop.book', true), '') = '')"
)
ASSIGNED = "(staff_id = (SELECT coalesce(current_setting('bankloop.tasks', true), '')) AND state NOT IN ('CREATED', 'EXPIRED', 'RECALLED'))"
SCOPE = f"({WHOLE_BANK} OR {OWN_CUSTOMER} OR {ASSIGNED})"
SEEN = "(SELECT true FROM staff_task t WHERE t.task_id = task_event.task_id LIMIT 1)"


def upgrade() -> None:
    """Deepen tasks; add what is done with them."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(f"ALTER POLICY scope_read ON staff_task USING ({MAY_READ} AND {SCOPE})")
    op.execute(
        f"ALTER POLICY scope_change ON staff_task USING ({MAY_CHANGE} AND {SCOPE}) WITH CHECK ({MAY_CHANGE} AND {SCOPE})"
    )
    op.execute(f"ALTER POLICY scope_add ON staff_task WITH CHECK ({WRITES_FOR} AND {MAY_ADD})")
    op.execute(
        f"CREATE POLICY own_add ON staff_task FOR INSERT WITH CHECK ({MAY_LOG} AND staff_id = {PRINCIPAL} "
        f"AND kind <> 'campaign' AND {OWN_CUSTOMER})"
    )
    op.execute("ALTER TABLE task_event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope_read ON task_event FOR SELECT USING ({MAY_READ} AND {SEEN})")
    op.execute(f"CREATE POLICY scope_add ON task_event FOR INSERT WITH CHECK ({MAY_CHANGE} AND {SEEN})")
    op.execute(f"CREATE POLICY audit ON task_event FOR SELECT TO {AUDITOR} USING (true)")
    op.execute(f"GRANT SELECT, INSERT ON task_event TO {APP}")
    op.execute(f"GRANT SELECT ON task_event TO {AUDITOR}")
    op.execute("RESET ROLE")
