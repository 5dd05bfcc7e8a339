"""Where the program may go by itself: nowhere inside this machine, unless the administrator named the host.

An address in a file, or in the answer of another server, may point at what listens on this machine alone, or at the
place where clouds hand out credentials. Private networks are open: a bank's own services stand there. (CWE-918)
"""

from __future__ import annotations

import ipaddress
import os
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from bankloop.kit.errors import EnvironmentFault
from bankloop.kit.text import Text

# Hosts of this machine that may be gone to, separated by commas: named where no file of the bank is, by who runs it.
NAMED_HOSTS = "BANKLOOP_NAMED_HOSTS"
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")


def check_address(address: str, schemes: tuple[str, ...]) -> None:
    """Raise ``EnvironmentFault`` where an address is of another scheme, or of a host that the program does not go to.

    Every address that the host's name stands for is judged. A name that nobody knows is left to who connects.
    """
    split = urlsplit(address)
    host = (split.hostname or "").rstrip(".").lower()
    if split.scheme not in schemes or not host:
        raise _refused(address, Text(f"只能是 {'、'.join(schemes)}", f"only {', '.join(schemes)} will do"))
    if host in {one.strip().lower() for one in os.environ.get(NAMED_HOSTS, "").split(",")}:
        return
    for found in _addresses_of(host):
        if any((found.is_loopback, found.is_link_local, found.is_unspecified, found.is_multicast, found.is_reserved)):
            inside = Text("它在本机之内或是链路本地地址", "it lies inside this machine, or on its link alone")
            raise _refused(address, inside)


def _addresses_of(host: str) -> list[IpAddress]:
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return [ipaddress.IPv4Address("127.0.0.1")]
    with suppress(ValueError):
        return [_mapped(ipaddress.ip_address(host.partition("%")[0]))]
    try:
        known = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [_mapped(ipaddress.ip_address(str(place[0]).partition("%")[0])) for *_, place in known]


def _mapped(found: IpAddress) -> IpAddress:
    """Return the address that an IPv6 address wraps."""
    return getattr(found, "ipv4_mapped", None) or found


def _refused(address: str, reason: Text) -> EnvironmentFault:
    split = urlsplit(address)
    # Only scheme, host and port: the rest may hold a secret.
    shown = f"{split.scheme}://{split.hostname or ''}" + (f":{split.port}" if split.port else "")
    return EnvironmentFault(
        "net.address",
        Text(
            "不访问 {address}：{reason}。确需访问时由管理员在环境变量 {variable} 中写明主机名",
            "{address} is not gone to: {reason}. Where it must be, the administrator names the host in {variable}",
        ),
        address=shown,
        reason=reason,
        variable=NAMED_HOSTS,
    )
