"""What crosses the door of signing in: accounts, sessions, machines, settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SignInStep(StrEnum):
    """What a session still asks of its person; only a full one opens anything."""

    CODE = "code"
    CHANGE = "change"
    ENROL = "enrol"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Account:
    """Whether and how a person may sign in; no secret of theirs is in it."""

    person_id: str
    active: bool
    has_password: bool
    must_change: bool
    totp: bool
    locked_until: datetime | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A person at work in one browser or terminal, until it ends, idles out or reaches its absolute end."""

    session_id: UUID
    person_id: str
    step: SignInStep
    method: str
    role: str | None
    made_at: datetime
    seen_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and its token, which is shown once and kept nowhere."""

    session: Session
    token: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A program that acts for a person within scopes: by an API key, or as an OAuth2 client."""

    machine_id: str
    kind: str
    person_id: str
    title: str
    scopes: tuple[str, ...]
    until: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a machine's credential stands for, and what it may be used for."""

    machine_id: str
    person_id: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Oidc:
    """An OpenID Connect provider as bank.yaml names it; the client's secret comes from a file or the environment."""

    issuer: str
    client_id: str
    secret: str
    claim: str = "sub"


@dataclass(frozen=True, slots=True)
class Directory:
    """An LDAP server as bank.yaml names it; ``person`` is the distinguished name with a slot ``{person}``."""

    url: str
    person: str
    start_tls: bool = True
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """How people of this bank sign in: ``demo`` is the simulated bank, ``totp`` optional or required."""

    demo: bool = False
    totp: str = "optional"
    oidc: Oidc | None = None
    directory: Directory | None = None
    hosts: tuple[str, ...] = ()
