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
    role_of,
)
from bankloop.organization.rights.contracts import (
    Agreement,
    CustomerView,
    Grant,
    GrantState,
    MatrixCell,
    ObjectSpec,
    RoleReach,
    RoleSpec,
    Unmasking,
)
from bankloop.organization.rights.errors import no_part
from bankloop.organization.rights.existing import check_named
from bankloop.organization.rights.grants import (
    begin_rights,
    end_grant,
    give_role,
    grant_of,
    grants,
    grants_of,
    keep_grant,
    open_grant,
    principal_for,
    refuse_grant,
)
from bankloop.organization.rights.opening import open_customer, scope_of, unmask, unmasked_fields
from bankloop.organization.rights.sharing import (
    agreement_of,
    agreements,
    approve_agreement,
    consents_by_agreement,
    end_agreement,
    propose_agreement,
    record_consent,
)
from bankloop.store.verbs import guard_verbs

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
    "RoleReach",
    "RoleSpec",
    "Unmasking",
    "agreement_of",
    "agreements",
    "allowed",
    "approve_agreement",
    "begin_rights",
    "check_named",
    "consents_by_agreement",
    "end_agreement",
    "end_grant",
    "give_role",
    "grant_of",
    "grants",
    "grants_of",
    "holders_of",
    "keep_grant",
    "marks_of",
    "no_part",
    "open_customer",
    "open_grant",
    "principal_for",
    "propose_agreement",
    "record_consent",
    "refuse_grant",
    "require",
    "role_of",
    "scope_of",
    "unmask",
    "unmasked_fields",
]

# Every verb of every room is refused at its door to whom the catalogue does not allow it.
guard_verbs(require)
