"""LDAP: a person proves who they are by binding to the bank's directory; nothing is read from it and nothing kept."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any
from urllib.parse import urlsplit

from bankloop.kit.addresses import check_address
from bankloop.kit.text import Text
from bankloop.organization.account import errors
from bankloop.organization.account.contracts import Directory

_SECONDS = 5
_UNREACHED = Text("连接不上", "it cannot be reached")
_OTHERWISE = Text("没有按约定回答", "it does not answer as it should")


def bind(directory: Directory, person_id: str, password: str) -> bool:
    """Return whether the directory accepts the password; raise ``EnvironmentFault`` when it cannot be asked.

    An empty password is refused here: to a directory it is an anonymous bind, which succeeds (RFC 4513 5.1.2).
    """
    import ldap3
    from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult, LDAPSocketOpenError
    from ldap3.utils.dn import escape_rdn

    if not person_id or not password or "\0" in password:
        return False
    secure = urlsplit(directory.url).scheme == "ldaps"
    tls = (
        ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=directory.ca_file)
        if secure or directory.start_tls
        else None
    )
    check_address(directory.url, ("ldap", "ldaps"))
    server = ldap3.Server(directory.url, use_ssl=secure, tls=tls, connect_timeout=_SECONDS, get_info=ldap3.NONE)
    name = directory.person.replace("{person}", escape_rdn(person_id))
    connection = ldap3.Connection(server, name, password, receive_timeout=_SECONDS, raise_exceptions=True)
    try:
        connection.open()
        if directory.start_tls and not secure:
            connection.start_tls()
        return bool(connection.bind())
    except LDAPInvalidCredentialsResult:
        return False
    except (LDAPException, OSError) as error:
        unreached = isinstance(error, OSError | LDAPSocketOpenError)
        raise errors.directory_down(directory.url, _UNREACHED if unreached else _OTHERWISE) from error
    finally:
        _close(connection)


def _close(connection: Any) -> None:
    """Let go of the connection, whatever state it was left in."""
    opened = connection.socket
    with contextlib.suppress(Exception):
        connection.unbind()
    if opened is not None:
        opened.close()
