"""The catalogue of roles as data, and the two questions asked of it: is it allowed, and refuse unless it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bankloop.kit.located import read_located
from bankloop.kit.text import Text
from bankloop.organization.rights import errors
from bankloop.organization.rights.contracts import MatrixCell, ObjectSpec, RoleReach, RoleSpec
from bankloop.store.contracts import EVERY_RIGHT, Principal

SYSTEM = "system"
# Marks that a principal carries beside its role: whether it makes what others check, or checks.
MAKER, CHECKER = "maker", "checker"


def _read() -> dict[str, Any]:
    return read_located(Path(__file__).parent / "roles.yaml").content


def _rights(body: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{kind}.{verb}" for kind, verbs in body.items() for verb in verbs.split())


def _role(name: str, body: Mapping[str, Any]) -> RoleSpec:
    rights = _rights(body["rights"]) | EVERYBODY
    marks = {mark: bool(body.get(mark)) for mark in ("makes", "checks", "administers")}
    scope, purposes, unmasks = RoleReach(body["scope"]), frozenset(body["purposes"]), frozenset(body["unmasks"])
    return RoleSpec(name, Text(**body["title"]), scope, purposes, unmasks, rights, **marks)


_BODY = _read()
EVERYBODY = _rights(_BODY["everyone"])
OBJECTS: Mapping[str, ObjectSpec] = MappingProxyType(
    {name: ObjectSpec(name, Text(**body["title"]), tuple(body["verbs"])) for name, body in _BODY["objects"].items()}
)
ROLES: Mapping[str, RoleSpec] = MappingProxyType({name: _role(name, body) for name, body in _BODY["roles"].items()})
ADMINISTRATORS = frozenset(name for name, role in ROLES.items() if role.administers)


def matrix() -> Iterator[MatrixCell]:
    """Yield every cell role × object × verb."""
    for role in ROLES.values():
        for kind in OBJECTS.values():
            for verb in kind.verbs:
                yield MatrixCell(role.name, kind.name, verb, f"{kind.name}.{verb}" in role.rights)


MATRIX: tuple[MatrixCell, ...] = tuple(matrix())


def marks_of(role: RoleSpec) -> frozenset[str]:
    """Return the names that a principal of the role carries: the role's and its marks."""
    marks = {MAKER} if role.makes else set()
    return frozenset({role.name, *marks, *({CHECKER} if role.checks else ())})


def allowed(principal: Principal, verb: str, object_kind: str) -> bool:
    """Return whether the principal's role allows a verb on a kind of object, for the purpose that it acts for.

    The program itself may do everything. Which rows is another question, answered by the database.
    """
    permission = f"{object_kind}.{verb}"
    if SYSTEM in principal.roles:
        return True
    if EVERY_RIGHT not in principal.rights and permission not in principal.rights:
        return False
    held = (ROLES[name] for name in principal.roles if name in ROLES)
    return any(permission in role.rights and principal.purpose in role.purposes for role in held)


def require(principal: Principal, permission: str) -> None:
    """Raise ``DeniedError`` naming the permission, such as ``campaign.submit``, unless the principal has it."""
    object_kind, _, verb = permission.partition(".")
    if not allowed(principal, verb, object_kind):
        raise errors.not_allowed(principal.id, permission, OBJECTS.get(object_kind), holders_of(permission))


def role_of(name: str) -> RoleSpec:
    """Return a role of the catalogue; raise ``InputError`` naming those there are."""
    if name not in ROLES:
        raise errors.unknown_role(name, list(ROLES))
    return ROLES[name]


def holders_of(permission: str) -> list[RoleSpec]:
    """Return the roles that have a permission."""
    return [role for role in ROLES.values() if permission in role.rights]
