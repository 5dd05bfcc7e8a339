"""Fourth: accounts, sessions, machine credentials, idempotency keys, jobs.

A person reads the rows that are their own; only the program's own sign-in sees them all. No password, code, token or
secret is kept as it was given: digests, or sealed under the key ring.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

OWNER, LOADER, APP, AUDITOR = "bankloop_owner", "bankloop_loader", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE account (
    person_id text PRIMARY KEY, state text NOT NULL CHECK (state IN ('active', 'disabled')), password_hash text,
    must_change boolean NOT NULL DEFAULT false, code_digest text, code_until timestamptz, totp_secret bytea,
    totp_confirmed boolean NOT NULL DEFAULT false, totp_step bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0), locked_until timestamptz, subject text,
    updated_at timestamptz NOT NULL DEFAULT bankloop_now(), CONSTRAINT account_subject UNIQUE (subject)
);

CREATE TABLE session (
    digest text PRIMARY KEY, session_id uuid NOT NULL, person_id text NOT NULL,
    step text NOT NULL CHECK (step IN ('code', 'change', 'enrol', 'full')), method text NOT NULL, role text,
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), seen_at timestamptz NOT NULL DEFAULT bankloop_now(),
    until timestamptz NOT NULL, ended_at timestamptz
);
CREATE INDEX session_person ON session (person_id) WHERE ended_at IS NULL;

CREATE TABLE machine (
    machine_id text PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('key', 'client')), person_id text NOT NULL,
    title text NOT NULL, scopes text[] NOT NULL, until timestamptz NOT NULL, revoked_at timestamptz,
    made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE machine_secret (
    digest text PRIMARY KEY, machine_id text NOT NULL REFERENCES machine, person_id text NOT NULL, until timestamptz NOT NULL,
    made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE access_token (
    digest text PRIMARY KEY, machine_id text NOT NULL REFERENCES machine, person_id text NOT NULL, scopes text[] NOT NULL,
    until timestamptz NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE idempotency_key (
    person_id text, operation text, resource text, key text CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint text NOT NULL, status integer NOT NULL, body text NOT NULL, headers jsonb NOT NULL,
    until timestamptz NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now(),
    PRIMARY KEY (person_id, operation, resource, key)
);

CREATE TABLE job (
    job_id uuid PRIMARY KEY, kind text NOT NULL, person_id text NOT NULL, request jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')), step text NOT NULL, result jsonb, error jsonb,
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), updated_at timestamptz NOT NULL DEFAULT bankloop_now()
);
"""

# Forgetting what is over is the only deletion: an ended session, an expired token, an idempotency key past its day.
RIGHTS = {
    "account": "SELECT, INSERT, UPDATE",
    "session": "SELECT, INSERT, UPDATE, DELETE",
    "machine": "SELECT, INSERT, UPDATE",
    "machine_secret": "SELECT, INSERT, UPDATE, DELETE",
    "access_token": "SELECT, INSERT, DELETE",
    "idempotency_key": "SELECT, INSERT, DELETE",
    "job": "SELECT, INSERT, UPDATE",
}
# Beside their own rows, administrators see and change those of others that their role is for.
READS = {
    "account": ("account.read",),
    "session": ("session.read",),
    "machine": ("machine.read",),
    "machine_secret": ("machine.rotate",),
    "access_token": ("machine.revoke",),
}
WRITES = {
    "account": ("account.open", "account.unlock"),
    "session": ("account.open", "account.unlock"),
    "machine": ("machine.make",),
    "machine_secret": ("machine.rotate",),
    "access_token": ("machine.revoke",),
}
PRINCIPAL = "(SELECT coalesce(current_setting('bankloop.principal', true), ''))"
OWN = f"person_id = {PRINCIPAL} OR {PRINCIPAL} = 'system:signin'"


def _own_or(rights: tuple[str, ...] | None) -> str:
    if not rights:
        return OWN
    wanted = ", ".join(f"'{right}'" for right in rights)
    held = "string_to_array(current_setting('bankloop.rights', true), ',')"
    return f"{OWN} OR (SELECT coalesce({held} && ARRAY[{wanted}], false))"


def upgrade() -> None:
    """Add what signing in and the API need."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    for table, rights in RIGHTS.items():
        reads, writes = _own_or(READS.get(table)), _own_or(WRITES.get(table))
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON {table} USING ({reads}) WITH CHECK ({writes})")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        op.execute(f"GRANT {rights} ON {table} TO {APP}")
    # Whoever reads everything reads who may sign in, and no digest of a secret.
    op.execute(
        f"GRANT SELECT (person_id, state, must_change, totp_confirmed, failures, locked_until, subject, updated_at) "
        f"ON account TO {AUDITOR}"
    )
    op.execute(
        f"GRANT SELECT (session_id, person_id, step, method, role, made_at, seen_at, until, ended_at) ON session TO {AUDITOR}"
    )
    op.execute(f"GRANT SELECT ON machine, job TO {AUDITOR}")
    op.execute(f"GRANT SELECT (machine_id, person_id, until, made_at) ON machine_secret TO {AUDITOR}")
    op.execute(f"GRANT SELECT (machine_id, person_id, scopes, until, made_at) ON access_token TO {AUDITOR}")
    op.execute(
        f"GRANT SELECT (person_id, operation, resource, key, status, until, made_at) ON idempotency_key TO {AUDITOR}"
    )
    op.execute("RESET ROLE")
