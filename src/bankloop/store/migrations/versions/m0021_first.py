"""First: the four roles, every room's tables, row-level security, and who may do what.

Policies are plain predicates on transaction-local settings, and deny when a setting is missing. They bind the owner too.
The number goes on from the twenty migrations that this one replaced: a bank at the last of them has this very schema.
"""

from alembic import op

from bankloop.store.migrations.first import ROOMS
from bankloop.store.migrations.first.room import APP, AUDITOR, LOADER, OWNER, secure_table

revision = "0021"
down_revision = None

# The clock is passed in: a transaction that was given a moment stamps its rows with it.
NOW = """
CREATE FUNCTION bankloop_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('bankloop.now', true), '')::timestamptz, now()) $$;
"""


def upgrade() -> None:
    """Carry an empty database to the first schema; every room's tables come before what looks at several of them."""
    for role in (OWNER, LOADER, APP, AUDITOR):
        _create_role(role)
    op.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}")
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(NOW)
    for room in ROOMS:
        op.execute(room.tables)
    for room in ROOMS:
        for guard in room.guards:
            op.execute(guard)
        for table, access in room.access.items():
            secure_table(table, access)
    op.execute("RESET ROLE")
    # Temporary tables are how columns are copied in.
    op.execute(
        f"DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); EXECUTE format("
        f"'GRANT CONNECT, TEMPORARY ON DATABASE %I TO {OWNER}, {LOADER}, {APP}, {AUDITOR}', current_database()); END $$"
    )
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _create_role(role: str) -> None:
    """Create a role unless the server has it; the migrating user must be able to act as it."""
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
        f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE; END IF; "
        f"IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN GRANT {role} TO CURRENT_USER; "
        f"END IF; END $$"
    )
