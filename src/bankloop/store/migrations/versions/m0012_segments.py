"""Twelfth: segments in versions, seen by the unit they belong to; none is active without a named plan."""

from alembic import op

revision = "0012"
down_revision = "0011"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE segment (
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,47}$'), version integer NOT NULL CHECK (version > 0),
    kind text NOT NULL CHECK (kind IN ('rule', 'cluster')), title_zh text NOT NULL, title_en text NOT NULL,
    expression text NOT NULL, body jsonb NOT NULL, digest text NOT NULL, unit_id text NOT NULL, made_by text NOT NULL,
    made_at timestamptz NOT NULL, plan jsonb, active_from timestamptz, active_to timestamptz,
    PRIMARY KEY (name, version),
    CONSTRAINT segment_says CHECK ((kind = 'rule') = (expression <> '')),
    CONSTRAINT segment_plan CHECK (active_from IS NULL OR coalesce(plan->>'title', '') <> ''),
    CONSTRAINT segment_term CHECK (active_to IS NULL OR active_from IS NOT NULL)
);
CREATE UNIQUE INDEX segment_active ON segment (name) WHERE active_from IS NOT NULL AND active_to IS NULL;
"""
UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
MAY = "(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY['*', {0}], false))"
OWN = f"('*' = ANY ({UNITS}) OR unit_id = ANY ({UNITS}))"
CHANGES = MAY.format("'segment.plan', 'segment.activate', 'segment.retire'")


def upgrade() -> None:
    """Add segments. What head office makes everybody may read; only whose it is changes it."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    op.execute("ALTER TABLE segment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    read, add = MAY.format("'segment.read'"), MAY.format("'segment.save', 'segment.cluster'")
    op.execute(f"CREATE POLICY scope_read ON segment FOR SELECT USING ({read} AND (unit_id = '*' OR {OWN}))")
    op.execute(f"CREATE POLICY scope_add ON segment FOR INSERT WITH CHECK ({add} AND {OWN})")
    op.execute(
        f"CREATE POLICY scope_change ON segment FOR UPDATE USING ({CHANGES} AND {OWN}) WITH CHECK ({CHANGES} AND {OWN})"
    )
    op.execute(f"CREATE POLICY audit ON segment FOR SELECT TO {AUDITOR} USING (true)")
    op.execute(f"GRANT SELECT, INSERT ON segment TO {APP}")
    op.execute(f"GRANT UPDATE (plan, active_from, active_to) ON segment TO {APP}")
    op.execute(f"GRANT SELECT ON segment TO {AUDITOR}")
    op.execute("RESET ROLE")
