"""Fourteenth: head-office targets split down the tree, sums exact, and what a branch narrows by itself.

A part is seen by the units above its holder and, where the holder is a person, by that person.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE target (
    target_id uuid PRIMARY KEY, name text NOT NULL CHECK (name <> ''), measure text NOT NULL,
    first date NOT NULL, last date NOT NULL, total bigint NOT NULL CHECK (total >= 0), made_by text NOT NULL,
    made_at timestamptz NOT NULL, ended_at timestamptz, CHECK (first <= last)
);
CREATE TABLE target_part (
    target_id uuid NOT NULL REFERENCES target, holder text NOT NULL, kind text NOT NULL CHECK (kind IN ('unit', 'staff')),
    parent text, weight text NOT NULL, capacity bigint, amount bigint NOT NULL CHECK (amount >= 0),
    set_by text NOT NULL, set_at timestamptz NOT NULL, PRIMARY KEY (target_id, holder),
    CHECK (capacity IS NULL OR amount <= capacity)
);
CREATE INDEX target_part_parent ON target_part (target_id, parent);
CREATE TABLE narrowing (
    narrowing_id uuid PRIMARY KEY, unit_id text NOT NULL, campaign text NOT NULL, condition text NOT NULL,
    per_week integer CHECK (per_week >= 0), reason text NOT NULL, made_by text NOT NULL, made_at timestamptz NOT NULL,
    ended_at timestamptz, CHECK (condition <> '' OR per_week IS NOT NULL)
);
CREATE UNIQUE INDEX narrowing_open ON narrowing (unit_id, campaign) WHERE ended_at IS NULL;
"""
# When a transaction ends, what stands below a holder is nothing at all, or exactly the holder's amount.
SUMS = """
CREATE FUNCTION target_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE which uuid := coalesce(NEW.target_id, OLD.target_id);
BEGIN
    IF EXISTS (SELECT FROM target_part c LEFT JOIN target_part p ON p.target_id = c.target_id AND p.holder = c.parent
        WHERE c.target_id = which AND c.parent IN (NEW.parent, OLD.parent, NEW.holder, OLD.holder)
        GROUP BY c.parent, p.amount HAVING sum(c.amount) IS DISTINCT FROM p.amount) THEN
        RAISE EXCEPTION 'parts of target % do not sum to what they split', which USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
WATCHED = """
CREATE CONSTRAINT TRIGGER target_part_sums AFTER INSERT OR UPDATE OR DELETE ON target_part
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION target_sums()
"""
UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
RIGHTS = "(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY['*', {0}], false))"
PRINCIPAL = "(SELECT coalesce(current_setting('bankloop.principal', true), ''))"
HERE = "('*' = ANY ({0}) OR {1} = ANY ({0}))"
PART = (
    f"({HERE.format(UNITS, 'holder')} OR (kind = 'staff' AND (holder = {PRINCIPAL} OR "
    f"({HERE.format(UNITS, 'parent')} AND (SELECT coalesce(current_setting('bankloop.book', true), '') = '')))))"
)
BELOW = HERE.format(UNITS, "parent")
BANK = f"('*' = ANY ({UNITS}))"


def _may(*rights: str) -> str:
    return RIGHTS.format(", ".join(f"'{right}'" for right in rights))


def upgrade() -> None:
    """Add targets, their parts and what branches narrow."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for statement in (*TABLES.split(";\n"), SUMS, WATCHED):
        if statement.strip():
            op.execute(statement)
    reads, splits = _may("target.read"), _may("target.set", "target.split")
    policies = {
        "target": {
            "scope_read": f"FOR SELECT USING ({reads})",
            "scope_add": f"FOR INSERT WITH CHECK ({_may('target.set')} AND {BANK})",
            "scope_change": f"FOR UPDATE USING ({_may('target.end')} AND {BANK})",
        },
        "target_part": {
            "scope_read": f"FOR SELECT USING ({reads} AND {PART})",
            "scope_add": f"FOR INSERT WITH CHECK ({splits} AND {BELOW})",
            "scope_remove": f"FOR DELETE USING ({splits} AND {BELOW})",
        },
        "narrowing": {
            "scope_read": f"FOR SELECT USING ({_may('narrowing.read')} AND {HERE.format(UNITS, 'unit_id')})",
            "scope_add": f"FOR INSERT WITH CHECK ({_may('narrowing.set')} AND {HERE.format(UNITS, 'unit_id')})",
            "scope_change": f"FOR UPDATE USING ({_may('narrowing.set', 'narrowing.end')} AND {HERE.format(UNITS, 'unit_id')})",
        },
    }
    for table, rules in policies.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for name, rule in rules.items():
            op.execute(f"CREATE POLICY {name} ON {table} {rule}")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO {AUDITOR}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON target, narrowing TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON target_part TO {APP}")
    op.execute("RESET ROLE")
