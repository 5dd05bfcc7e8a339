"""Who may do what: the catalogue of roles, roles granted to people, what a person sees of a customer and why."""

from bankloop.organization.rights.catalogue import (
    ADMINISTRATORS,
    CHECKER,
    MAKER,
    MATRIX,
    OBJECTS,
    ROLES,
    SYSTEM,
    allowed,
    holders_of,
    marks_of,
    require,
)
from bankloop.organization.rights.contracts import Grant, GrantState, MatrixCell, ObjectSpec, Reach, RoleSpec
from bankloop.organization.rights.grants import (
    approve_grant,
    ask_grant,
    begin_rights,
    give_role,
    grants,
    grants_of,
    principal_for,
    reject_grant,
    revoke_grant,
)
from bankloop.store import guard_verbs

__all__ = [
    "ADMINISTRATORS",
    "CHECKER",
    "MAKER",
    "MATRIX",
    "OBJECTS",
    "ROLES",
    "SYSTEM",
    "Grant",
    "GrantState",
    "MatrixCell",
    "ObjectSpec",
    "Reach",
    "RoleSpec",
    "allowed",
    "approve_grant",
    "ask_grant",
    "begin_rights",
    "give_role",
    "grants",
    "grants_of",
    "holders_of",
    "marks_of",
    "principal_for",
    "reject_grant",
    "require",
    "revoke_grant",
]

# Every verb of every room is refused at its door to whom the catalogue does not allow it.
guard_verbs(require)
