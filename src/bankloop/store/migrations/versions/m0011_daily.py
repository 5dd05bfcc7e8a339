"""Eleventh: the daily report of each unit as it was told, and to whom it was handed, once each."""

from alembic import op

revision = "0011"
down_revision = "0010"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE daily_report (
    day date NOT NULL, unit_id text NOT NULL, figures jsonb NOT NULL, made_at timestamptz NOT NULL,
    PRIMARY KEY (day, unit_id)
);
CREATE TABLE daily_delivery (
    day date NOT NULL, unit_id text NOT NULL, person text NOT NULL, delivered_at timestamptz NOT NULL,
    PRIMARY KEY (day, unit_id, person), FOREIGN KEY (day, unit_id) REFERENCES daily_report
);
"""
UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
MAY = "(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY['*', 'daily.{0}'], false))"
IN_SCOPE = f"('*' = ANY ({UNITS}) OR unit_id = ANY ({UNITS}))"


def upgrade() -> None:
    """Add the daily report and its deliveries."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table, act in (("daily_report", "make"), ("daily_delivery", "deliver")):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT USING ({MAY.format('read')} AND {IN_SCOPE})")
        op.execute(f"CREATE POLICY scope_add ON {table} FOR INSERT WITH CHECK ({MAY.format(act)} AND {IN_SCOPE})")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
        op.execute(f"GRANT SELECT ON {table} TO {AUDITOR}")
    op.execute("RESET ROLE")
