"""Principals of a bank's usual roles: who makes, who checks, who looks on. Each person holds one of them."""

from __future__ import annotations

from bankloop.organization.contracts import Organization
from bankloop.store import EVERY_UNIT, Principal

MAKER = "maker"
CHECKER = "checker"
COMPLIANCE = "compliance"
BRANCH = "branch"
AUDITOR = "auditor"
SYSTEM = "system"

_WHOLE_BANK = (EVERY_UNIT,)


def maker(person: str = "strategist", purpose: str = "campaign") -> Principal:
    """Return a head-office strategist, who makes campaigns and models and submits them (经办)."""
    return Principal(person, frozenset({MAKER}), _WHOLE_BANK, purpose)


def checker(person: str = "checker", purpose: str = "approval") -> Principal:
    """Return a head-office approver (复核)."""
    return Principal(person, frozenset({CHECKER}), _WHOLE_BANK, purpose)


def compliance(person: str = "compliance", purpose: str = "review") -> Principal:
    """Return a compliance reviewer: approves wording and suitability, and may stop anything."""
    return Principal(person, frozenset({COMPLIANCE, CHECKER}), _WHOLE_BANK, purpose)


def branch_head(person: str, unit_id: str, organization: Organization, purpose: str = "tasks") -> Principal:
    """Return a commander of one unit, who sees it and the units under it."""
    return Principal(person, frozenset({BRANCH}), organization.below(unit_id), purpose)


def auditor(person: str = "auditor", purpose: str = "audit") -> Principal:
    """Return an auditor, who reads everything under the auditor's database role and changes nothing."""
    return Principal(person, frozenset({AUDITOR}), (), purpose)


def system(part: str = "run", purpose: str = "campaign") -> Principal:
    """Return the program itself at work for the whole bank: ``system:run``."""
    return Principal(f"system:{part}", frozenset({SYSTEM}), _WHOLE_BANK, purpose)
