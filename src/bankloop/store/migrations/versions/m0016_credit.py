"""Sixteenth: credit for what was sold: shares of a deal by person and line, together never above the whole.

The deal's own row keeps how much is given; whoever gives a share changes that row, so that two who give at once wait for
each other, and a check holds the sum.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE credit_deal (
    deal_id uuid PRIMARY KEY, source_key text NOT NULL UNIQUE CHECK (source_key <> ''), customer_no text NOT NULL,
    unit_id text NOT NULL, what text NOT NULL, amount_fen bigint NOT NULL CHECK (amount_fen >= 0), happened_on date NOT NULL,
    task_id uuid, credited_ppm integer NOT NULL DEFAULT 0 CHECK (credited_ppm BETWEEN 0 AND 1000000),
    made_by text NOT NULL, made_at timestamptz NOT NULL
);
CREATE INDEX credit_deal_day ON credit_deal (happened_on);
CREATE TABLE credit_share (
    deal_id uuid NOT NULL REFERENCES credit_deal, staff_id text NOT NULL, line text NOT NULL,
    share_ppm integer NOT NULL CHECK (share_ppm > 0), unit_id text NOT NULL, PRIMARY KEY (deal_id, staff_id)
);
CREATE INDEX credit_share_staff ON credit_share (staff_id);
"""
COUNTED = """
CREATE FUNCTION credit_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE credit_deal SET credited_ppm = credited_ppm + NEW.share_ppm WHERE deal_id = NEW.deal_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the deal % is not there to be shared', NEW.deal_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
WATCHED = (
    "CREATE TRIGGER credit_share_counted AFTER INSERT ON credit_share FOR EACH ROW EXECUTE FUNCTION credit_counted()"
)
UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
PRINCIPAL = "(SELECT coalesce(current_setting('bankloop.principal', true), ''))"
OWN_BOOK = "(SELECT coalesce(current_setting('bankloop.book', true), '') <> '')"
MAY = "(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY['*', 'credit.{0}'], false))"
HERE = f"('*' = ANY ({UNITS}) OR unit_id = ANY ({UNITS}))"
SHARED = "(SELECT true FROM credit_share s WHERE s.deal_id = credit_deal.deal_id LIMIT 1)"


def upgrade() -> None:
    """Add deals and their shares."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for statement in (*TABLES.split(";\n"), COUNTED, WATCHED):
        if statement.strip():
            op.execute(statement)
    reads, records = MAY.format("read"), MAY.format("record")
    mine = f"(staff_id = {PRINCIPAL} OR ({HERE} AND NOT {OWN_BOOK}))"
    policies = {
        "credit_deal": {
            "scope_read": f"FOR SELECT USING ({reads} AND (({HERE} AND NOT {OWN_BOOK}) OR {SHARED}))",
            "scope_add": f"FOR INSERT WITH CHECK ({records} AND {HERE})",
            "scope_change": f"FOR UPDATE USING ({records} AND {HERE})",
        },
        "credit_share": {
            "scope_read": f"FOR SELECT USING ({reads} AND {mine})",
            "scope_add": f"FOR INSERT WITH CHECK ({records})",
        },
    }
    for table, rules in policies.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for name, rule in rules.items():
            op.execute(f"CREATE POLICY {name} ON {table} {rule}")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO {AUDITOR}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON credit_deal TO {APP}")
    op.execute(f"GRANT SELECT, INSERT ON credit_share TO {APP}")
    op.execute("RESET ROLE")
