"""Where a store's database is: our embedded server, or the one that BANKLOOP_DATABASE_URL names."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import URL, Connection, make_url, text

from bankloop.kit.text import Text
from bankloop.store import errors
from bankloop.store.contracts import Role
from bankloop.store.embedded import EmbeddedServer

_CONNECT_S = 30


class DatabaseSource(Protocol):
    """A database server with the four roles."""

    def admin_url(self) -> URL:
        """Return the URL of whoever migrates."""
        ...

    def url(self, role: Role) -> URL:
        """Return the URL under which ``role`` works."""
        ...

    def finish(self, connection: Connection) -> None:
        """Complete a migration: called in its transaction."""
        ...

    def revive(self) -> bool:
        """Bring a dead server back; return whether there was something to do."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class EmbeddedSource:
    """A database of our embedded server; every role logs in with its own random password."""

    def __init__(self, server: EmbeddedServer, database: str, *, owns: bool = True) -> None:
        self._server = server
        self._database = database
        self._owns = owns

    def admin_url(self) -> URL:
        """Return the URL of the cluster's administrator."""
        return self._url(self._server.admin)

    def url(self, role: Role) -> URL:
        """Return the URL of the role's own login."""
        return self._url(role)

    def finish(self, connection: Connection) -> None:
        """Give the roles their passwords, in the transaction that made them."""
        for role in Role:
            word = self._server.password(role)
            connection.execute(text(f"ALTER ROLE {role} PASSWORD '{word}'"))

    def revive(self) -> bool:
        """Start the server again if it died."""
        return self._server.revive()

    def close(self) -> None:
        """Leave the server; the last one out stops it."""
        if self._owns:
            self._server.leave()

    def _url(self, user: str) -> URL:
        return URL.create(
            "postgresql+psycopg",
            username=user,
            password=self._server.password(user),
            database=self._database,
            query={"host": self._server.host, "port": str(self._server.port), "connect_timeout": str(_CONNECT_S)},
        )


class ExternalSource:
    """A server that others run; we log in as the owner and lay the role down at connect, before any statement."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise errors.unreachable(
                parsed.render_as_string(), Text("不是 postgresql:// 地址", "it is no postgresql:// address")
            )
        self._url = parsed.set(drivername="postgresql+psycopg")

    def admin_url(self) -> URL:
        """Return the owner's URL."""
        return self._url

    def url(self, role: Role) -> URL:
        """Return the owner's URL with the role as the session's default."""
        return self._url.update_query_dict({"options": f"-c role={role}"})

    def finish(self, connection: Connection) -> None:
        """Nothing: the server keeps its own logins."""

    def revive(self) -> bool:
        """Say no: the server is not ours to start."""
        return False

    def close(self) -> None:
        """Nothing is held."""
