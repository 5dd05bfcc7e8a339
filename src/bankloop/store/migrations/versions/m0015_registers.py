"""Fifteenth: which files of customers' registers were taken in, each once."""

from alembic import op

revision = "0015"
down_revision = "0014"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE identity_file (
    source text, digest text, line text NOT NULL, file text NOT NULL, day date, read bigint NOT NULL, empty bigint NOT NULL,
    taken_at timestamptz NOT NULL, PRIMARY KEY (source, digest)
);
"""
WHOLE_BANK = (
    "(SELECT coalesce(current_setting('bankloop.units', true) = '*' AND current_setting('bankloop.lines', true) = '*' "
    "AND coalesce(current_setting('bankloop.book', true), '') = '', false))"
)
EVERYTHING = "(SELECT coalesce('*' = ANY (string_to_array(current_setting('bankloop.rights', true), ',')), false))"
PROGRAM = f"{WHOLE_BANK} AND {EVERYTHING}"


def upgrade() -> None:
    """Add the log; the program alone reads and writes it."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    op.execute("ALTER TABLE identity_file ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY keep ON identity_file USING ({PROGRAM}) WITH CHECK ({PROGRAM})")
    op.execute(f"CREATE POLICY audit ON identity_file FOR SELECT TO {AUDITOR} USING (true)")
    op.execute(f"GRANT SELECT, INSERT ON identity_file TO {APP}")
    op.execute(f"GRANT SELECT ON identity_file TO {AUDITOR}")
    op.execute("RESET ROLE")
