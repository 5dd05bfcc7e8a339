"""Accounts, sessions, machine credentials, idempotency keys, jobs.

A person reads the rows that are their own; only the program's own sign-in sees them all. No password, code, token or
secret is kept as it was given: digests, or sealed under the key ring.
"""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import PRINCIPAL, holds
from bankloop.store.migrations.first.room import APPEND, KEEP, READ, Access

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
    digest text PRIMARY KEY, machine_id text NOT NULL REFERENCES machine, person_id text NOT NULL,
    until timestamptz NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE access_token (
    digest text PRIMARY KEY, machine_id text NOT NULL REFERENCES machine, person_id text NOT NULL,
    scopes text[] NOT NULL, until timestamptz NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE idempotency_key (
    person_id text, operation text, resource text, key text CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint text NOT NULL, status integer NOT NULL, body text NOT NULL, headers jsonb NOT NULL,
    until timestamptz NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now(),
    PRIMARY KEY (person_id, operation, resource, key)
);

CREATE TABLE job (
    job_id uuid PRIMARY KEY, kind text NOT NULL, person_id text NOT NULL, request jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')), step text NOT NULL, result jsonb,
    error jsonb, made_at timestamptz NOT NULL DEFAULT bankloop_now(),
    updated_at timestamptz NOT NULL DEFAULT bankloop_now()
);
"""


def _own(reads: tuple[str, ...] = (), writes: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the policy of rows that are a person's own, and of administrators where their role is for them."""
    return {"own": f"USING ({_own_or(reads)}) WITH CHECK ({_own_or(writes)})"}


def _own_or(rights: tuple[str, ...]) -> str:
    own = f"person_id = {PRINCIPAL} OR {PRINCIPAL} = 'system:signin'"
    return f"{own} OR {holds('rights', *rights)}" if rights else own


_MACHINES = _own(("machine.read",), ("machine.make",))
_ACCOUNT_SHOWN = "SELECT (person_id, state, must_change, totp_confirmed, failures, locked_until, subject, updated_at)"
_SESSION_SHOWN = "SELECT (session_id, person_id, step, method, role, made_at, seen_at, until, ended_at)"

# Forgetting what is over is the only deletion: an ended session, an expired token, an idempotency key past its day.
# Whoever reads everything reads who may sign in, and no digest of a secret.
ACCESS = {
    "account": Access(KEEP, _own(("account.read",), ("account.open", "account.unlock")), auditor=_ACCOUNT_SHOWN),
    "session": Access(
        f"{KEEP}, DELETE", _own(("session.read",), ("account.open", "account.unlock")), auditor=_SESSION_SHOWN
    ),
    "machine": Access(KEEP, _MACHINES),
    "machine_secret": Access(
        f"{KEEP}, DELETE",
        _own(("machine.rotate",), ("machine.rotate",)),
        auditor="SELECT (machine_id, person_id, until, made_at)",
    ),
    "access_token": Access(
        f"{APPEND}, DELETE",
        _own(("machine.revoke",), ("machine.revoke",)),
        auditor="SELECT (machine_id, person_id, scopes, until, made_at)",
    ),
    "idempotency_key": Access(
        f"{APPEND}, DELETE",
        _own(),
        auditor="SELECT (person_id, operation, resource, key, status, until, made_at)",
    ),
    "job": Access(KEEP, _own(), auditor=READ),
}
