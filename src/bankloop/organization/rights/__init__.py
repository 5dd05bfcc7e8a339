"""Who may do what: the catalogue of roles, roles granted to people, what a person sees of a customer and why."""

from bankloop.organization.rights.catalogue import (
    ADMINISTRATORS,
    CHECKER,
    EVERYBODY,
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
from bankloop.organization.rights.contracts import (
    Agreement,
    CustomerView,
    Grant,
    GrantState,
    MatrixCell,
    ObjectSpec,
    Reach,
    RoleSpec,
    Unmasking,
)
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
from bankloop.organization.rights.opening import open_customer, scope_of, unmask
from bankloop.organization.rights.sharing import (
    agreement_of,
    agreements,
    approve_agreement,
    end_agreement,
    propose_agreement,
    record_consent,
)
from bankloop.store import guard_verbs

__all__ = [
    "ADMINISTRATORS",
    "CHECKER",
    "EVERYBODY",
    "MAKER",
    "MATRIX",
    "OBJECTS",
    "ROLES",
    "SYSTEM",
    "Agreement",
    "CustomerView",
    "Grant",
    "GrantState",
    "MatrixCell",
    "ObjectSpec",
    "Reach",
    "RoleSpec",
    "Unmasking",
    "agreement_of",
    "agreements",
    "allowed",
    "approve_agreement",
    "approve_grant",
    "ask_grant",
    "begin_rights",
    "end_agreement",
    "give_role",
    "grants",
    "grants_of",
    "holders_of",
    "marks_of",
    "open_customer",
    "principal_for",
    "propose_agreement",
    "record_consent",
    "reject_grant",
    "require",
    "revoke_grant",
    "scope_of",
    "unmask",
]

# Every verb of every room is refused at its door to whom the catalogue does not allow it.
guard_verbs(require)
