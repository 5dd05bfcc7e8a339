"""The store itself: opened for a bank folder, asked for transactions in which a principal acts under a role."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, RootTransaction, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from bankloop.kit.clock import Clock
from bankloop.kit.errors import BankloopError
from bankloop.kit.origins import Origin, present_origin
from bankloop.kit.text import Text
from bankloop.store import errors
from bankloop.store.contracts import EVERY_UNIT, Principal, Role
from bankloop.store.embedded import EmbeddedServer, start_server
from bankloop.store.private import close_to_others
from bankloop.store.questions import Question, ask, ask_all, driver_of
from bankloop.store.reasons import cause_of, database_reason
from bankloop.store.schema import migrate, revision_of
from bankloop.store.sealing.keys import KeyRing, keys_in_force
from bankloop.store.sources import DatabaseSource, EmbeddedSource, ExternalSource

DATABASE = "bankloop"
DATABASE_URL = "BANKLOOP_DATABASE_URL"
_ODD_NAME = Text(
    "机构、条线、角色或权限的名称含有不允许的字符",
    "a unit, line, role or right holds a character that none may hold",
)

_SETTINGS = (
    b"SELECT set_config('bankloop.principal', %(id)s, true), set_config('bankloop.roles', %(roles)s, true),"
    b" set_config('bankloop.units', %(units)s, true), set_config('bankloop.purpose', %(purpose)s, true),"
    b" set_config('bankloop.lines', %(lines)s, true), set_config('bankloop.book', %(book)s, true),"
    b" set_config('bankloop.tasks', %(tasks)s, true), set_config('bankloop.rights', %(rights)s, true),"
    b" set_config('bankloop.now', %(now)s, true)"
)
_CREATE_LOCK = 4_242_003
_PRINCIPAL = "bankloop.principal"
_NOW = "bankloop.now"
_ORIGIN = "bankloop.origin"
_APPROVAL = "bankloop.approval"
_FOLDER = "bankloop.folder"
_BEHIND = "bankloop.behind"

# The transaction that those begun inside join; of this thread of control only.
_TOGETHER: ContextVar[tuple[Store, Principal, Connection] | None] = ContextVar("bankloop_together", default=None)


class Store:
    """A bank's operational database, migrated; a context manager that lets go of the server at its end."""

    def __init__(self, folder: Path, clock: Clock, source: DatabaseSource) -> None:
        self.folder = folder
        self.clock = clock
        # When the newest row of the trail was recorded, where the clock was found behind it.
        self.behind: datetime | None = None
        self._source = source
        self._engines: dict[Role, Engine] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def begin(self, principal: Principal, role: Role = Role.APP) -> Iterator[Connection]:
        """Open one transaction in which ``principal`` acts under ``role``; commit at the end, undo on an error.

        Database errors come out as the kit's: denied, busy, disk full, unreachable. Inside of ``together`` the same
        principal's transaction is that one.
        """
        joined = _TOGETHER.get()
        if joined is not None and joined[:2] == (self, principal) and role is Role.APP:
            yield joined[2]
            return
        try:
            begun = self._introduced(role, principal)
            with begun.connection as connection, begun:
                yield connection
        except DBAPIError as error:
            raise translated(error, principal.id, self.place) from error
        except psycopg.Error as error:  # from a COPY, which goes past SQLAlchemy
            raise translated(error, principal.id, self.place) from error

    @contextmanager
    def together(self, principal: Principal) -> Iterator[Connection]:
        """Open one transaction that whatever ``principal`` begins inside joins: all of it is done, or nothing.

        An error leaves nothing behind, also where a verb inside has committed steps of its own when called alone.
        """
        with self.begin(principal) as connection:
            token = _TOGETHER.set((self, principal, connection))
            try:
                yield connection
            finally:
                _TOGETHER.reset(token)

    def migrate(self) -> None:
        """Bring the database to the newest schema."""
        engine = sqlalchemy.create_engine(self._source.admin_url(), poolclass=NullPool)
        try:
            migrate(engine, self._source.finish)
        except DBAPIError as error:
            raise translated(error, "migration", self.place) from error
        finally:
            engine.dispose()

    def revision(self) -> str | None:
        """Return the schema that the database is at."""
        engine = sqlalchemy.create_engine(self._source.admin_url(), poolclass=NullPool)
        with engine.connect() as connection:
            return revision_of(connection)

    def close(self) -> None:
        """Close all connections and let go of the server."""
        with self._guard:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        self._source.close()

    @property
    def keys(self) -> KeyRing:
        """Return the bank's keys as they are now: a rotation by another process is seen."""
        return keys_in_force(self.folder)

    def admin_dsn(self) -> str:
        """Return whoever migrates' own connection string: for backup and restore only, never to be shown."""
        url = self._source.admin_url().set(drivername="postgresql")
        return url.render_as_string(hide_password=False)

    @property
    def place(self) -> str:
        """Return the database's URL, password hidden."""
        return self._source.admin_url().render_as_string(hide_password=True)

    def _begun(self, connection: Connection, principal: Principal) -> RootTransaction:
        begun = _introduce(connection, principal, self.clock.now(), self.folder)
        connection.info[_BEHIND] = self.behind
        return begun

    def _introduced(self, role: Role, principal: Principal) -> RootTransaction:
        """Begin a transaction in which the database knows who acts.

        To tell it so shows as well whether a connection that waited in the pool still lives; where not, none there does.
        """
        connection = self._connect(role)
        driver = driver_of(connection)
        try:
            return self._begun(connection, principal)
        except psycopg.OperationalError:
            if not driver.closed:
                raise
        self._engine(role).dispose()
        return self._begun(self._connect(role), principal)

    def _connect(self, role: Role) -> Connection:
        try:
            return self._engine(role).connect()
        except OperationalError as error:
            self._source.revive()
            try:
                return self._engine(role).connect()
            except OperationalError:
                raise errors.unreachable(self.place, database_reason(error)) from error

    def _engine(self, role: Role) -> Engine:
        with self._guard:
            if role not in self._engines:
                self._engines[role] = sqlalchemy.create_engine(
                    self._source.url(role), pool_size=4, max_overflow=16, hide_parameters=True
                )
            return self._engines[role]


def open_store(folder: Path, clock: Clock) -> Store:
    """Open the store of a bank folder: the server of BANKLOOP_DATABASE_URL, else our own; migrated.

    Raises ``EnvironmentFault`` (disk full, another major, unreachable, …) with place, reason and cure.
    """
    if url := os.environ.get(DATABASE_URL):
        return _opened(Store(folder, clock, ExternalSource(url)))
    server = start_server(folder)
    try:
        create_database(server, DATABASE)
        return _opened(Store(folder, clock, EmbeddedSource(server, DATABASE)))
    except BaseException:
        server.leave()
        raise


def attach_store(folder: Path, clock: Clock, server: EmbeddedServer, database: str) -> Store:
    """Return a store on a database of a server that the caller holds: how tests share one server."""
    return _opened(Store(folder, clock, EmbeddedSource(server, database, owns=False)))


def create_database(server: EmbeddedServer, name: str, template: str = "template0") -> None:
    """Create a database unless it exists."""
    engine = sqlalchemy.create_engine(
        EmbeddedSource(server, "postgres").admin_url(), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _CREATE_LOCK})  # until the session ends
        if connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}) is None:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    engine.dispose()


def now_of(connection: Connection) -> datetime:
    """Return the moment the transaction was given by the clock."""
    moment: datetime = connection.info[_NOW]
    return moment


def principal_of(connection: Connection) -> Principal:
    """Return who acts in this transaction."""
    principal: Principal = connection.info[_PRINCIPAL]
    return principal


def origin_of(connection: Connection) -> Origin | None:
    """Return from where the transaction's principal acts, if the edge said."""
    origin: Origin | None = connection.info[_ORIGIN]
    return origin


def keys_of(connection: Connection) -> KeyRing:
    """Return the keys of the bank in whose store this transaction is."""
    return keys_in_force(connection.info[_FOLDER])


def behind_of(connection: Connection) -> datetime | None:
    """Return the moment of the newest row of the trail where the clock was found behind it; then nothing is written."""
    found: datetime | None = connection.info[_BEHIND]
    return found


def under_approval(connection: Connection, approval_id: UUID | None) -> None:
    """Let the audit rows of this transaction from here on name the approval under which they are done."""
    connection.info[_APPROVAL] = approval_id


def approval_in_force(connection: Connection) -> UUID | None:
    """Return the approval that ``under_approval`` named in this transaction."""
    found: UUID | None = connection.info[_APPROVAL]
    return found


@contextmanager
def bank_wide(connection: Connection) -> Iterator[None]:
    """Let the database show the whole bank meanwhile: for what must hold bank-wide, whoever asks.

    The principal stays who it is. Whoever calls answers for what may leave: a count, a refusal, an approved effect.
    """
    wide, own = _wide_and_own(connection)
    ask(connection, wide)
    yield
    ask(connection, own)


def ask_bank_wide(connection: Connection, *questions: Question[Any]) -> list[Any]:
    """Return the answers to questions that are asked as within ``bank_wide``; all of it is one trip."""
    wide, own = _wide_and_own(connection)
    return ask_all(connection, wide, *questions, own)[1:-1]


def translated(error: Exception, principal: str, place: str) -> BankloopError | Exception:
    """Return the kit's error for a database error, or the error itself where it is a defect of ours."""
    reason = database_reason(error)
    match cause_of(error):
        case psycopg.errors.InsufficientPrivilege():
            return errors.denied(principal, reason)
        case psycopg.errors.DiskFull():
            return errors.disk_full(place, reason)
        case psycopg.errors.DeadlockDetected() | psycopg.errors.SerializationFailure():
            return errors.busy(reason)
        case psycopg.errors.LockNotAvailable():
            return errors.busy(reason)
        case psycopg.DataError():
            return errors.bad_value(reason)
        case psycopg.OperationalError():
            return errors.unreachable(place, reason)
        case _:
            return error


def _opened(store: Store) -> Store:
    try:
        close_to_others(store.folder)
        store.migrate()
    except BaseException:
        store.close()
        raise
    return store


def _introduce(connection: Connection, principal: Principal, now: datetime, folder: Path) -> RootTransaction:
    """Begin a transaction and tell the database who acts, for this transaction only."""
    try:
        names = (*principal.units, *principal.lines, *principal.roles, *principal.rights)
        if any(re.search(r"[,{}\"\\]", name) for name in names):
            raise errors.denied(principal.id, _ODD_NAME)
        connection.info[_PRINCIPAL] = principal
        connection.info[_NOW] = now
        connection.info[_ORIGIN], connection.info[_APPROVAL] = present_origin(), None
        connection.info[_FOLDER] = folder
        begun = connection.begin()
        ask(connection, _settings(principal, now))
    except BaseException:
        if driver_of(connection).closed:
            connection.invalidate()
        connection.close()
        raise
    return begun


def _wide_and_own(connection: Connection) -> tuple[Question[None], Question[None]]:
    principal, now = principal_of(connection), now_of(connection)
    wide = Principal(principal.id, principal.roles | {"system"}, (EVERY_UNIT,), principal.purpose)
    return _settings(wide, now), _settings(principal, now)


def _settings(principal: Principal, now: datetime) -> Question[None]:
    return Question(_SETTINGS, lambda _: None, {**_scope(principal), "now": now.isoformat()})


def _scope(principal: Principal) -> dict[str, str]:
    return {
        "id": principal.id,
        "roles": ",".join(sorted(principal.roles)),
        "units": ",".join(principal.units),
        "purpose": principal.purpose,
        "lines": ",".join(principal.lines),
        "book": principal.book,
        "tasks": principal.tasks,
        "rights": ",".join(sorted(principal.rights)),
    }
