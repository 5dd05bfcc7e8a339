"""The ``signin:`` block of bank.yaml. Secrets are never in it: they come from a file or the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text
from bankloop.organization.account import errors
from bankloop.organization.account.contracts import Directory, Oidc, SignInSettings

OIDC_SECRET, OIDC_SECRET_FILE = "BANKLOOP_OIDC_SECRET", "BANKLOOP_OIDC_SECRET_FILE"
# Only a simulated bank has its simulator's truth: a real one is never a demo, whatever its file says.
_TRUTH = Path("data") / "truth"
_KNOWN = {
    (): {"demo", "totp", "oidc", "ldap", "hosts"},
    ("oidc",): {"issuer", "client_id", "claim"},
    ("ldap",): {"url", "person", "start_tls", "ca_file"},
}


def read_settings(folder: Path) -> SignInSettings:
    """Return how people of the bank in ``folder`` sign in; raise ``SpecError`` with file and line for what cannot be."""
    path = folder / "bank.yaml"
    if not path.exists():
        return SignInSettings()
    bank = read_located(path)
    block = _block(bank, (), (bank.content or {}).get("signin") or {})
    totp = block.get("totp", "optional")
    if totp not in ("optional", "required"):
        raise _refuse(bank, ("totp",), Text("totp 只能是 optional 或 required", "totp is optional or required"))
    demo = block.get("demo", True)
    if not isinstance(demo, bool):
        raise _refuse(bank, ("demo",), Text("demo 只能是 true 或 false", "demo is true or false"))
    hosts = block.get("hosts") or []
    if not isinstance(hosts, list) or not all(isinstance(host, str) and host for host in hosts):
        raise _refuse(bank, ("hosts",), Text("hosts 是主机名列表", "hosts is a list of host names"))
    return SignInSettings(
        demo and (folder / _TRUTH).exists(),
        totp,
        _oidc(bank, block.get("oidc")),
        _directory(bank, block.get("ldap")),
        tuple(hosts),
    )


def _oidc(bank: Located, block: Any) -> Oidc | None:
    if block is None:
        return None
    found = _block(bank, ("oidc",), block)
    issuer, client = str(found.get("issuer", "")), str(found.get("client_id", ""))
    if not client or not (issuer.startswith(("https://", "http://127.0.0.1", "http://localhost"))):
        reason = Text("须有 client_id 和以 https 开头的 issuer", "client_id and an issuer over https are needed")
        raise _refuse(bank, ("oidc",), reason)
    return Oidc(issuer.rstrip("/"), client, _secret(), str(found.get("claim", "sub")))


def _secret() -> str:
    if place := os.environ.get(OIDC_SECRET_FILE):
        return Path(place).read_text(encoding="utf-8").strip()
    return os.environ.get(OIDC_SECRET, "")


def _directory(bank: Located, block: Any) -> Directory | None:
    if block is None:
        return None
    found = _block(bank, ("ldap",), block)
    url, person = str(found.get("url", "")), str(found.get("person", ""))
    start_tls = found.get("start_tls", not url.startswith("ldaps://"))
    if "{person}" not in person or not url.startswith(("ldap://", "ldaps://")):
        reason = Text(
            "须有 ldap(s):// 的 url 和含 {person} 的 person", "an ldap(s):// url and a person with {person} are needed"
        )
        raise _refuse(bank, ("ldap",), reason)
    if not start_tls and not url.startswith(("ldaps://", "ldap://127.0.0.1", "ldap://localhost")):
        reason = Text(
            "密码不能明文过网；用 ldaps 或 start_tls",
            "no password crosses the network in the clear; use ldaps or start_tls",
        )
        raise _refuse(bank, ("ldap", "start_tls"), reason)
    return Directory(url, person, bool(start_tls), str(found["ca_file"]) if found.get("ca_file") else None)


def _block(bank: Located, route: tuple[str, ...], block: Any) -> dict[str, Any]:
    known = _KNOWN[route]
    if not isinstance(block, dict):
        raise _refuse(bank, route, Text("这里要写成键和值", "keys and values are meant here"))
    for name in block:
        if name not in known:
            words = ", ".join(sorted(known))
            raise _refuse(
                bank,
                (*route, str(name)),
                Text(f"未知的键 {name}；可用：{words}", f"unknown key {name}; known are {words}"),
            )
    return block


def _refuse(bank: Located, route: tuple[str, ...], reason: Text) -> Exception:
    return errors.bad_settings(bank.place("signin", *route), reason)
