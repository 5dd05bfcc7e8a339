"""Machines: API keys and OAuth2 clients, each acting for one person within scopes, until it expires or is revoked."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from bankloop.organization.account import errors
from bankloop.organization.account.contracts import Caller, Machine
from bankloop.organization.account.secrets import digest_of, new_token
from bankloop.organization.account.tables import access_token, machine, machine_secret
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of
from bankloop.store.verbs import verb

# What a credential may be used for, apart from what its person may do: both are asked.
SCOPES = ("read", "write", "approve", "people", "audit", "metrics")
KEY_PREFIX, CLIENT_PREFIX, TOKEN_PREFIX = "blk_", "blc_", "blt_"
LIFE = timedelta(days=90)
TOKEN_LIFE = timedelta(minutes=10)


@verb("machine.make")
def make_machine(
    connection: Connection, kind: str, person_id: str, title: str, scopes: Iterable[str], until: datetime | None = None
) -> tuple[Machine, str]:
    """Make an API key (``key``) or an OAuth2 client (``client``); return it with its secret, which is shown once."""
    wanted = tuple(sorted(set(scopes)))
    for scope in wanted:
        if scope not in SCOPES:
            raise errors.unknown_scope(scope, ", ".join(SCOPES))
    now = now_of(connection)
    name = (KEY_PREFIX if kind == "key" else CLIENT_PREFIX) + secrets.token_hex(6)
    made = Machine(name, kind, person_id, title, wanted, until or now + LIFE, None)
    values = {"person_id": person_id, "title": title, "scopes": list(wanted), "until": made.until, "made_at": now}
    connection.execute(machine.insert().values(machine_id=name, kind=kind, **values))
    secret = _add_secret(connection, made, made.until)
    after = {"person": person_id, "scopes": wanted, "until": made.until.isoformat()}
    record_audit(connection, "machine.make", "machine", name, None, after)
    return made, secret


@verb("machine.rotate")
def rotate_secret(connection: Connection, machine_id: str, overlap: timedelta = timedelta(days=1)) -> str:
    """Return a new secret of a machine; the old ones work for ``overlap`` yet, so that nothing stands still."""
    found, end = _machine(connection, machine_id), now_of(connection) + overlap
    connection.execute(
        update(machine_secret)
        .where(machine_secret.c.machine_id == machine_id, machine_secret.c.until > end)
        .values(until=end)
    )
    secret = _add_secret(connection, found, found.until)
    record_audit(connection, "machine.rotate", "machine", machine_id, None, {"old_until": end.isoformat()})
    return secret


@verb("machine.revoke")
def revoke_machine(connection: Connection, machine_id: str, reason: str = "") -> None:
    """Revoke a machine: its secrets and tokens are worth nothing from the next request on."""
    _machine(connection, machine_id)
    connection.execute(update(machine).where(machine.c.machine_id == machine_id).values(revoked_at=now_of(connection)))
    connection.execute(delete(access_token).where(access_token.c.machine_id == machine_id))
    record_audit(connection, "machine.revoke", "machine", machine_id, None, {"revoked": True}, reason)


@verb("machine.token")
def issue_token(
    connection: Connection, client_id: str, secret: str, scopes: Iterable[str] | None
) -> tuple[str, Caller]:
    """OAuth2 client credentials (RFC 6749 4.4): return a short-lived token; raise ``SignInError`` for a wrong secret."""
    caller = read_secret(connection, secret, "client")
    if caller is None or not hmac.compare_digest(caller.machine_id.encode(), client_id.encode()):
        raise errors.bad_token()
    wanted = frozenset(scopes) if scopes is not None else caller.scopes
    for scope in sorted(wanted - caller.scopes):
        raise errors.unknown_scope(scope, ", ".join(sorted(caller.scopes)))
    now, token = now_of(connection), new_token(TOKEN_PREFIX)
    connection.execute(
        access_token.insert().values(
            digest=digest_of(token), machine_id=client_id, person_id=caller.person_id, scopes=sorted(wanted),
            until=now + TOKEN_LIFE, made_at=now,
        )
    )  # fmt: skip
    connection.execute(delete(access_token).where(access_token.c.until < now))
    record_audit(connection, "machine.token", "machine", client_id, None, {"scopes": sorted(wanted)})
    return token, Caller(client_id, caller.person_id, wanted)


def read_credential(connection: Connection, token: str) -> Caller | None:
    """Return who an API key or an access token stands for; None where it is unknown, expired or revoked."""
    if token.startswith(KEY_PREFIX):
        return read_secret(connection, token, "key")
    if not token.startswith(TOKEN_PREFIX):
        return None
    query = (
        select(access_token.c.machine_id, access_token.c.person_id, access_token.c.scopes)
        .join(machine, machine.c.machine_id == access_token.c.machine_id)
        .where(
            access_token.c.digest == digest_of(token), access_token.c.until > now_of(connection), *_valid(connection)
        )
    )
    return _caller(connection.execute(query).first())


def read_secret(connection: Connection, secret: str, kind: str) -> Caller | None:
    """Return whose secret it is."""
    query = (
        select(machine.c.machine_id, machine.c.person_id, machine.c.scopes)
        .join(machine_secret, machine.c.machine_id == machine_secret.c.machine_id)
        .where(
            machine_secret.c.digest == digest_of(secret),
            machine_secret.c.until > now_of(connection),
            machine.c.kind == kind,
        )
        .where(*_valid(connection))
    )
    return _caller(connection.execute(query).first())


def machines(connection: Connection) -> list[Machine]:
    """Return all machines, the newest first."""
    query = select(*(machine.c[name] for name in Machine.__dataclass_fields__)).order_by(
        machine.c.made_at.desc(), machine.c.machine_id
    )
    return [_as_machine(row) for row in connection.execute(query).mappings()]


def _valid(connection: Connection) -> tuple[Any, ...]:
    return machine.c.revoked_at.is_(None), machine.c.until > now_of(connection)


def _add_secret(connection: Connection, of: Machine, until: datetime) -> str:
    secret = new_token(KEY_PREFIX if of.kind == "key" else CLIENT_PREFIX)
    connection.execute(
        machine_secret.insert().values(
            digest=digest_of(secret),
            machine_id=of.machine_id,
            person_id=of.person_id,
            until=until,
            made_at=now_of(connection),
        )
    )
    return secret


def _machine(connection: Connection, machine_id: str) -> Machine:
    query = select(*(machine.c[name] for name in Machine.__dataclass_fields__)).where(
        machine.c.machine_id == machine_id
    )
    row = connection.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise errors.no_machine(machine_id[:64])
    return _as_machine(row)


def _as_machine(row: Any) -> Machine:
    return Machine(**{**row, "scopes": tuple(row["scopes"])})


def _caller(row: Any) -> Caller | None:
    return Caller(row.machine_id, row.person_id, frozenset(row.scopes)) if row else None
