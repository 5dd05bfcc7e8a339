"""Seventeenth: what customers declined in conversations, so that no channel offers it again; added with the task's own log."""

from alembic import op

revision = "0017"
down_revision = "0016"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLE = """
CREATE TABLE offer_declined (
    task_id uuid PRIMARY KEY, customer_no text NOT NULL, campaign text NOT NULL CHECK (campaign <> ''),
    declined_at timestamptz NOT NULL
)
"""
MAY = "(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY['*', {0}], false))"
# Who logs a task sees it; a row of somebody else's task is refused with the task.
TASK = "(SELECT true FROM staff_task t WHERE t.task_id = offer_declined.task_id AND t.customer_no = offer_declined.customer_no LIMIT 1)"


def upgrade() -> None:
    """Add declined offers."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLE)
    op.execute("CREATE INDEX offer_declined_customer ON offer_declined (customer_no, campaign)")
    op.execute("ALTER TABLE offer_declined ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    tasks, logs = MAY.format("'task.read'"), MAY.format("'task.log'")
    op.execute(f"CREATE POLICY scope_read ON offer_declined FOR SELECT USING ({tasks} AND {TASK})")
    op.execute(f"CREATE POLICY scope_add ON offer_declined FOR INSERT WITH CHECK ({logs} AND {TASK})")
    op.execute(f"CREATE POLICY audit ON offer_declined FOR SELECT TO {AUDITOR} USING (true)")
    op.execute(f"GRANT SELECT, INSERT ON offer_declined TO {APP}")
    op.execute(f"GRANT SELECT ON offer_declined TO {AUDITOR}")
    op.execute("RESET ROLE")
