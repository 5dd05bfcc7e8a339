"""One person per role in a demonstration bank, so that everything can be tried by who does it; refused anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.organization.people import (
    BusinessLine,
    customers_of_units,
    engage_staff,
    give_managers,
    license_staff,
    name_backup,
    open_unit,
    person_of,
    unit_of,
)
from bankloop.organization.people import errors as people_errors
from bankloop.organization.rights import ROLES, Grant, give_role, grants
from bankloop.organization.rights.contracts import GrantState
from bankloop.store.contracts import EVERY_LINE
from bankloop.store.database import now_of

# The simulator's truth: only a bank that was simulated has one.
_TRUTH = Path("data") / "truth"
# What one corporate manager keeps.
_COMPANIES = 100
_SUBSIDIARY, _PARTNER = "SUB1", "PARTNER1"
_ROOT = text("SELECT unit_id FROM org_unit WHERE kind = 'head_office' AND valid_to IS NULL ORDER BY 1 LIMIT 1")
_PLACES = text(
    "SELECT p.staff_id, p.unit_id, u.parent_id, (SELECT l.staff_id FROM staff_post l WHERE l.unit_id = p.unit_id "
    "AND l.post = 'sub_branch_head' AND l.valid_to IS NULL ORDER BY 1 LIMIT 1) AS head, "
    "(SELECT o.staff_id FROM staff_post o WHERE o.unit_id = p.unit_id AND o.post = p.post AND o.staff_id <> p.staff_id "
    "AND o.valid_to IS NULL ORDER BY 1 LIMIT 1) AS backup "
    "FROM staff_post p JOIN org_unit u ON u.unit_id = p.unit_id AND u.valid_to IS NULL JOIN staff s USING (staff_id) "
    "WHERE p.post = 'relationship_manager' AND p.valid_to IS NULL AND NOT s.on_leave "
    "ORDER BY (SELECT count(*) FROM customer_book b WHERE b.staff_id = p.staff_id AND b.valid_to IS NULL) "
    "DESC, 1 LIMIT 1"
)
_SEAT = text("SELECT staff_id FROM staff_post WHERE post = 'remote_seat' AND valid_to IS NULL ORDER BY 1 LIMIT 1")

# Who works at head office under which role; two of those whose consents must come from different people.
AT_HEAD_OFFICE = {
    "strategist": "hq_strategist",
    "checker": "hq_approver",
    "checker2": "hq_approver",
    "compliance": "compliance_reviewer",
    "consumer": "compliance_reviewer",
    "scientist": "data_scientist",
    "product": "product_manager",
    "benefit": "benefit_owner",
    "scene": "scene_manager",
    "steward": "data_steward",
    "sysadmin": "system_admin",
    "secadmin": "security_admin",
    "secadmin2": "security_admin",
    "auditor": "auditor",
}


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person of a demonstration bank and the role that they hold."""

    person_id: str
    role: str
    name: str


def is_demo(folder: Path) -> bool:
    """Return whether a bank's folder holds a simulated bank."""
    return (folder / _TRUTH).exists()


def seed_demo_people(connection: Connection, folder: Path) -> tuple[DemoPerson, ...]:
    """Give a simulated bank one member of staff per role, once, and return them all.

    The relationship manager is the one with the largest book, the head that of the same sub-branch, so that their pages
    are full. Raises ``DeniedError`` for a bank that is not simulated.
    """
    if not is_demo(folder):
        raise people_errors.not_demo()
    known = {(one.person_id, one.role) for one in grants(connection, GrantState.OPEN)}
    if not known:
        _seed(connection)
    found = grants(connection, GrantState.OPEN)
    order = list(ROLES)
    seeded = [one for one in found if one.reason == "demonstration"]
    seeded.sort(key=lambda one: (order.index(one.role), one.person_id))
    return tuple(DemoPerson(one.person_id, one.role, person_of(connection, one.person_id).name) for one in seeded)


def _seed(connection: Connection) -> None:
    root = connection.scalar(_ROOT)
    if root is None:
        raise people_errors.missing("unit", "head_office")
    for person, role in AT_HEAD_OFFICE.items():
        _engage(connection, person, role, root)
        _give(connection, person, role)
    _place(
        connection, root, _SUBSIDIARY, "subsidiary", Text("泉江理财子公司", "Quanjiang Wealth Management"), "subsidiary"
    )
    _place(connection, root, _PARTNER, "partner", Text("展业合作伙伴", "Acquisition partner"), "*")
    _engage(connection, "partner", "partner_agent", _PARTNER)
    _give(connection, "partner", "partner_agent")
    seat = connection.scalar(_SEAT)
    if seat is not None:
        _give(connection, seat, "remote_agent")
    place = connection.execute(_PLACES).first()
    if place is not None:
        _branch(connection, place.staff_id, place.unit_id, place.parent_id, place.head, place.backup)


def _branch(
    connection: Connection, manager: str, sub_branch: str, branch: str, head: str | None, backup: str | None
) -> None:
    for person, role in (("commander", "branch_commander"), ("branchcheck", "branch_approver")):
        _engage(connection, person, role, branch)
        _give(connection, person, role, branch)
    _give(connection, manager, "relationship_manager")
    if head is not None:
        _give(connection, head, "sub_branch_head")
    # One of another line at the same place, to whom company business is referred.
    engage_staff(connection, "corporate", "演示·对公客户经理", sub_branch, "corporate_manager", BusinessLine.CORPORATE)
    give_role(connection, "corporate", "relationship_manager", (), (BusinessLine.CORPORATE,))
    companies = customers_of_units(connection, [sub_branch], limit=_COMPANIES, line=BusinessLine.CORPORATE)
    give_managers(connection, {one.customer_no: "corporate" for one in companies}, BusinessLine.CORPORATE)
    today = now_of(connection).date()
    for kind in ("wealth", "fund"):
        license_staff(
            connection,
            manager,
            kind,
            today.replace(year=today.year - 1, day=1),
            today.replace(year=today.year + 1, day=1),
        )
    if backup is not None:
        name_backup(connection, manager, backup, "demonstration")


def _engage(connection: Connection, person: str, role: str, unit: str) -> None:
    engage_staff(connection, person, f"演示·{ROLES[role].title.zh}", unit, role, EVERY_LINE)


def _give(connection: Connection, person: str, role: str, *units: str) -> Grant:
    return give_role(connection, person, role, units, (EVERY_LINE,))


def _place(connection: Connection, root: str, unit: str, kind: str, name: Text, line: str) -> None:
    try:
        unit_of(connection, unit)
    except NotFoundError:
        open_unit(connection, unit, root, kind, name, line)
