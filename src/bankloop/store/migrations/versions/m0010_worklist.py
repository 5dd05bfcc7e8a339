"""Tenth: lists of customers that people take in, each once for its unit, name and content; seen by that unit and above."""

from alembic import op

revision = "0010"
down_revision = "0009"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE work_list (
    list_id uuid PRIMARY KEY, name text NOT NULL CHECK (name <> ''), digest text NOT NULL, unit_id text NOT NULL,
    made_by text NOT NULL, made_at timestamptz NOT NULL, due_on date NOT NULL, read integer NOT NULL,
    usable integer NOT NULL, recalled_at timestamptz,
    returned jsonb NOT NULL DEFAULT '[]', CONSTRAINT work_list_once UNIQUE (unit_id, name, digest)
);
"""
UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
MAY = (
    "(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') "
    "&& ARRAY['*', 'worklist.{0}'], false))"
)
IN_SCOPE = f"('*' = ANY ({UNITS}) OR unit_id = ANY ({UNITS}))"


def upgrade() -> None:
    """Add lists."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    op.execute("ALTER TABLE work_list ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope_read ON work_list FOR SELECT USING ({MAY.format('read')} AND {IN_SCOPE})")
    op.execute(f"CREATE POLICY scope_add ON work_list FOR INSERT WITH CHECK ({MAY.format('take')} AND {IN_SCOPE})")
    op.execute(
        f"CREATE POLICY scope_change ON work_list FOR UPDATE USING ({MAY.format('recall')} AND {IN_SCOPE}) "
        f"WITH CHECK ({MAY.format('recall')} AND {IN_SCOPE})"
    )
    op.execute(f"CREATE POLICY audit ON work_list FOR SELECT TO {AUDITOR} USING (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON work_list TO {APP}")
    op.execute(f"GRANT SELECT ON work_list TO {AUDITOR}")
    op.execute("RESET ROLE")
