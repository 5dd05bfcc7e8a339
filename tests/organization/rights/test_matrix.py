"""The matrix role × object × verb, cell by cell: at the question, at every verb's door, and in SQL as the app role."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from bankloop.kit.errors import DeniedError
from bankloop.organization.granting import submit_transfer
from bankloop.organization.rights import EVERYBODY, MATRIX, OBJECTS, ROLES, RoleReach, allowed, require
from bankloop.store.contracts import EVERY_RIGHT, Principal
from bankloop.store.database import Store
from bankloop.store.verbs import VERBS
from tests.organization.conftest import PEOPLE_SYSTEM, Folk


def principal(role: str, purpose: str | None = None) -> Principal:
    spec = ROLES[role]
    return Principal("p", frozenset({role}), ("*",), purpose or sorted(spec.purposes)[0], rights=spec.rights)


def test_the_catalogue_has_the_seventeen_roles() -> None:
    assert set(ROLES) == {
        "hq_strategist", "hq_approver", "compliance_reviewer", "data_scientist", "product_manager", "benefit_owner",
        "branch_commander", "branch_approver", "sub_branch_head", "relationship_manager", "remote_agent",
        "scene_manager", "partner_agent", "data_steward", "system_admin", "security_admin", "auditor",
    }  # fmt: skip
    assert len(MATRIX) == len(ROLES) * sum(len(kind.verbs) for kind in OBJECTS.values())
    for role in ROLES.values():
        for permission in role.rights:
            kind, _, verb = permission.partition(".")
            assert verb in OBJECTS[kind].verbs, permission
        assert role.title.zh
        assert role.title.en


def test_every_verb_of_every_room_is_in_the_catalogue() -> None:
    named = {f"{kind.name}.{verb}" for kind in OBJECTS.values() for verb in kind.verbs}
    assert set(VERBS) - named == set()


@pytest.mark.parametrize("role", list(ROLES))
def test_cell_by_cell_at_the_question(role: str) -> None:
    for cell in (cell for cell in MATRIX if cell.role == role):
        for purpose in ROLES[role].purposes:
            assert allowed(principal(role, purpose), cell.verb, cell.object_kind) == cell.allowed, cell
        assert not allowed(principal(role, "curiosity"), cell.verb, cell.object_kind)
        stripped = Principal("p", frozenset({role}), ("*",), sorted(ROLES[role].purposes)[0], rights=frozenset())
        assert not allowed(stripped, cell.verb, cell.object_kind)


@pytest.mark.capability("H27")
@pytest.mark.parametrize("role", list(ROLES))
def test_cell_by_cell_at_every_door(role: str) -> None:
    """Every verb is called as the role: refused by name at its door, or let in as far as its first line.

    Its role refuses somebody whatever rights they carry.
    """
    who = principal(role)
    cells = {cell.permission: cell.allowed for cell in MATRIX if cell.role == role}
    for person in (who, replace(who, rights=frozenset({EVERY_RIGHT}))):
        passed = {name for name in VERBS if _enters(name, person)}
        assert passed == {name for name in VERBS if cells[name]}


def _enters(name: str, who: Principal) -> bool:
    try:
        VERBS[name](who)
    except DeniedError as error:
        return (error.code, error.fields.get("permission")) != ("rights.not_allowed", name)
    except Exception:  # a principal alone is not what the verb itself needs
        return True
    return True


def test_a_refusal_names_permission_and_holders_in_both_languages() -> None:
    with pytest.raises(DeniedError) as caught:
        require(principal("relationship_manager"), "campaign.submit")
    assert "campaign.submit" in caught.value.message.zh
    assert "总行经办" in caught.value.message.zh
    assert "head-office strategist" in caught.value.message.en


@pytest.mark.parametrize("role", list(ROLES))
def test_administrators_see_no_customer_and_the_auditor_changes_nothing(role: str) -> None:
    rights = ROLES[role].rights
    if role in ("system_admin", "security_admin"):
        assert ROLES[role].scope is RoleReach.NONE
        assert not {r for r in rights if r.split(".")[0] in ("customer", "event", "decision", "contact", "task")}
    if role == "auditor":
        own = EVERYBODY
        assert {r.split(".")[1] for r in rights - own} <= {"read", "list", "verify"}
    assert not (ROLES[role].makes and ROLES[role].checks)


# Statement, and the permissions of which one is needed for it. Each is tried on rows within the role's own scope.
DAY, ID = "'2026-06-30'", "gen_random_uuid()"
SQL: dict[str, tuple[str, tuple[str, ...]]] = {
    "customer_book": ("SELECT customer_no FROM customer_book", ("customer.list",)),
    "event": ("SELECT customer_no FROM event", ("event.read",)),
    "decision": ("SELECT customer_no FROM decision", ("decision.read",)),
    "contact": ("SELECT customer_no FROM contact", ("contact.read",)),
    "benefit_grant": ("SELECT customer_no FROM benefit_grant", ("decision.read",)),
    "task": ("SELECT customer_no FROM staff_task", ("task.read",)),
    "transfer": ("SELECT transfer_id FROM book_transfer", ("transfer.read",)),
    "task change": ("UPDATE staff_task SET state_reason = 'x' RETURNING customer_no", tuple(f"task.{act}" for act in ("assign", "finish", "accept", "log", "reject", "recall", "dispatch"))),
    "transfer change": ("UPDATE book_transfer SET reason = 'x' RETURNING 1", ("transfer.approve", "transfer.submit")),
    "unit change": ("UPDATE org_unit SET name_en = 'x' RETURNING 1", ("unit.open",)),
    "staff change": ("UPDATE staff SET name = 'x' RETURNING 1", ("staff.engage",)),
    "leave change": ("UPDATE staff_leave SET reason = 'x' RETURNING 1", ("staff.leave",)),
    "grant change": ("UPDATE role_grant SET reason = 'x' RETURNING 1", ("grant.approve",)),
    "agreement change": ("UPDATE sharing_agreement SET reason = 'x' RETURNING 1", ("agreement.approve", "agreement.end")),
    "book change": ("UPDATE customer_book SET unit_id = 'S0001' RETURNING 1", ("book.load",)),
    "event append": ("INSERT INTO event SELECT 'x', 1, 'C0000', 'S0001', 'x', {d}, {d}, {d}, '', '', NULL, '{{}}'", ("event.append",)),
    "contact reserve": ("INSERT INTO contact SELECT {i}, 'C0000', 'S0001', 'sms', 'c', 'marketing', {d}, {d}, true, ''", ("contact.reserve",)),
    "task create": ("INSERT INTO staff_task SELECT {i}, 'c', 1, 'C0000', 'S0001', NULL, {d}, 'x', 1, '', '', 'CREATED', ''", ("task.create",)),
    "grant add": ("INSERT INTO role_grant SELECT {i}, 'M00004', 'auditor', '{{}}', '{{*}}', 'requested', {d}, NULL, 'x', 'y'", ("grant.submit",)),
    "agreement add": ("INSERT INTO sharing_agreement SELECT 'A9', 'retail', 'x', NULL, 'p', '{{x}}', true, 'requested', {d}, '2027-01-01', 'y', NULL, ''", ("agreement.submit",)),
    "unmasking add": ("INSERT INTO unmasking SELECT {i}, {me}, 'C0000', '{{x}}', 'r', 't', {d}, '2026-06-30 01:00'", ("customer.unmask",)),
}  # fmt: skip


@pytest.fixture
def filled(folk: Folk) -> Folk:
    """A row of every kind about a customer of M00001, whose tasks are given to the seat and the partner too."""
    with folk.store.begin(PEOPLE_SYSTEM) as connection:
        for parent in ("event", "decision"):
            connection.execute(text(f"SELECT bankloop_partition('{parent}', '2026-06-01')"))
        for name in ("event append", "contact reserve"):
            connection.execute(text(SQL[name][0].format(d=DAY, i=ID)))
        connection.execute(text(f"INSERT INTO decision SELECT {ID}, 'c', 1, 'C0000', 'S0001', 'b', {DAY}, {DAY}, '', NULL, {DAY}, '', 'x', '', '', '{{}}', '{{}}', '{{}}', 1, '{{}}', NULL, {DAY}"))  # fmt: skip
        connection.execute(text(f"INSERT INTO benefit_grant SELECT {ID}, 'C0000', 'S0001', 'b', 1, true, ''"))
        for staff in (folk.roles["remote_agent"], folk.roles["partner_agent"], "M00001"):
            connection.execute(text(f"INSERT INTO staff_task SELECT {ID}, 'c', 1, 'C0000', 'S0001', '{staff}', {DAY}, 'x', 1, '', '', 'ASSIGNED', ''"))  # fmt: skip
        connection.execute(text(f"INSERT INTO staff_leave VALUES ('M00001', {DAY}, {DAY}, '')"))
        connection.execute(text(SQL["agreement add"][0].format(d=DAY).replace("A9", "A8")))
        submit_transfer(connection, "M00001", "M00003", "x", customers=["C0001"])
    return folk


@pytest.mark.parametrize("role", list(ROLES))
def test_cell_by_cell_in_sql(filled: Folk, role: str) -> None:
    who = filled.who(role)
    for name, (statement, permissions) in SQL.items():
        expected = bool(set(permissions) & ROLES[role].rights)
        sql = statement.format(d=DAY, i=ID, me=f"'{who.id}'") if statement.startswith("INSERT") else statement
        assert _succeeds(filled.store, who, sql) == expected, f"{role}: {name}"


def _succeeds(store: Store, who: Principal, sql: str) -> bool:
    """Return whether a statement touched or returned a row; nothing of it is kept."""

    def attempt(connection: Connection) -> bool:
        with connection.begin_nested() as savepoint:
            result = connection.execute(text(sql))
            found = bool(result.fetchall()) if result.returns_rows else bool(result.rowcount)
            savepoint.rollback()
        return found

    try:
        with store.begin(who) as connection:
            return attempt(connection)
    except DeniedError:
        return False
