"""Principals of roles that are not looked up: the program itself, and a bank without people on record yet.

Who signs in is looked up: see ``principal_for``.
"""

from __future__ import annotations

from bankloop.organization.contracts import Organization
from bankloop.organization.rights import CHECKER, MAKER, ROLES, SYSTEM, marks_of
from bankloop.store.contracts import EVERY_UNIT, Principal

COMPLIANCE = "compliance_reviewer"
BRANCH = "branch_commander"
AUDITOR = "auditor"
STEWARD = "data_steward"

__all__ = [
    "AUDITOR",
    "BRANCH",
    "CHECKER",
    "COMPLIANCE",
    "MAKER",
    "SYSTEM",
    "auditor",
    "branch_head",
    "checker",
    "compliance",
    "everything",
    "maker",
    "manager",
    "reviewers",
    "steward",
    "system",
]

_WHOLE_BANK = (EVERY_UNIT,)


def maker(person: str = "strategist", purpose: str = "campaign") -> Principal:
    """Return a head-office strategist, who makes campaigns and models and submits them (经办)."""
    return _holding("hq_strategist", person, _WHOLE_BANK, purpose)


def product_manager(person: str = "product", purpose: str = "campaign") -> Principal:
    """Return a product manager, who asks for changes of the shelf (产品经理)."""
    return _holding("product_manager", person, _WHOLE_BANK, purpose)


def checker(person: str = "checker", purpose: str = "approval") -> Principal:
    """Return a head-office approver (复核)."""
    return _holding("hq_approver", person, _WHOLE_BANK, purpose)


def compliance(person: str = "compliance", purpose: str = "review") -> Principal:
    """Return a compliance reviewer: approves wording and suitability, and may stop anything."""
    return _holding(COMPLIANCE, person, _WHOLE_BANK, purpose)


def reviewers() -> tuple[Principal, ...]:
    """Return four people who between them give every consent that a request of head office may need, in their turn."""
    return compliance("consumer"), compliance(), checker(), checker("checker2")


def branch_head(person: str, unit_id: str, organization: Organization, purpose: str = "tasks") -> Principal:
    """Return a commander of one unit, who sees it and the units under it."""
    return _holding(BRANCH, person, organization.below(unit_id), purpose)


def manager(person: str, purpose: str = "tasks") -> Principal:
    """Return a relationship manager of whom nothing is looked up, at work on tasks of any unit (客户经理)."""
    return _holding("relationship_manager", person, _WHOLE_BANK, purpose)


def steward(person: str = "steward", purpose: str = "quality") -> Principal:
    """Return a data steward, who takes records in and judges whether two of them are one person."""
    return _holding(STEWARD, person, _WHOLE_BANK, purpose)


def auditor(person: str = "auditor", purpose: str = "audit") -> Principal:
    """Return an auditor, who reads everything under the auditor's database role and changes nothing."""
    return _holding(AUDITOR, person, (), purpose)


def everything(person: str, purpose: str) -> Principal:
    """Return the one person of a bank that is being set up, to whom nothing is refused: nobody has a role yet."""
    return Principal(person, frozenset({SYSTEM, MAKER, CHECKER, *ROLES}), _WHOLE_BANK, purpose)


def system(part: str = "run", purpose: str = "campaign") -> Principal:
    """Return the program itself at work for the whole bank: ``system:run``."""
    return Principal(f"system:{part}", frozenset({SYSTEM}), _WHOLE_BANK, purpose)


def _holding(role: str, person: str, units: tuple[str, ...], purpose: str) -> Principal:
    spec = ROLES[role]
    return Principal(person, marks_of(spec), units, purpose, rights=spec.rights)
