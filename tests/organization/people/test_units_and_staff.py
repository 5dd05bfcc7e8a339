"""The tree in time, hostile names, licences, leave and deputies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.text import Text
from bankloop.organization.demonstration import seed_demo_people
from bankloop.organization.people import (
    Licence,
    below,
    checked_id,
    checked_name,
    close_unit,
    engage_staff,
    license_staff,
    may_take,
    move_unit,
    name_backup,
    open_unit,
    person_of,
    record_leave,
    unit_of,
)
from bankloop.organization.task import assign_task, create_tasks, tasks_of
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from tests.organization.conftest import PEOPLE_SYSTEM, Folk

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
DAY = date(2026, 7, 1)


def later(store: Store, server: EmbeddedServer, database: str, days: int) -> Store:
    return attach_store(store.folder, FixedClock(NOW + timedelta(days=days)), server, database)


def test_a_unit_moves_from_a_moment_on_and_the_past_stays(
    folk: Folk, store: Store, store_server: EmbeddedServer, database: str
) -> None:
    at = NOW + timedelta(days=2)
    with store.begin(folk.who("system_admin")) as connection:
        move_unit(connection, "S0002", "B002", "re-organized", at)
        assert "S0002" in below(connection, ["B001"])
        assert "S0002" in below(connection, ["B002"], at)
        assert unit_of(connection, "S0002").parent_id == "B001"
    with later(store, store_server, database, 3) as after, after.begin(PEOPLE_SYSTEM) as connection:
        assert unit_of(connection, "S0002").parent_id == "B002"
        assert unit_of(connection, "S0002", NOW).parent_id == "B001"
        assert "S0002" not in below(connection, ["B001"])


@pytest.mark.parametrize("parent", ["B001", "S0001"])
def test_a_unit_that_is_its_own_ancestor_is_refused(folk: Folk, store: Store, parent: str) -> None:
    with pytest.raises(InputError, match="own_ancestor"), store.begin(folk.who("system_admin")) as connection:
        move_unit(connection, "B001", parent, "?", NOW + timedelta(days=1))


def test_a_source_with_a_circle_changes_nothing(folk: Folk, store: Store) -> None:
    folk.units |= {"B001": ("S0001", "branch"), "S0004": ("B001", "sub_branch")}
    with pytest.raises(InputError, match="own_ancestor"):
        folk.load()
    with store.begin(PEOPLE_SYSTEM) as connection:
        assert unit_of(connection, "B001").parent_id == "0000"
        assert unit_of(connection, "S0004").parent_id == "B002"


def test_a_unit_in_use_is_not_closed(folk: Folk, store: Store) -> None:
    admin = folk.who("system_admin")
    for unit in ("B001", "S0003"):
        with pytest.raises(ConflictError, match="unit_in_use"), store.begin(admin) as connection:
            close_unit(connection, unit, "merge")
    with store.begin(admin) as connection:
        open_unit(connection, "S0009", "B002", "sub_branch", Text("新", "New"))
    with pytest.raises(ConflictError, match="unit_exists"), store.begin(admin) as connection:
        open_unit(connection, "S0009", "B002", "sub_branch", Text("新", "New"))
    with pytest.raises(NotFoundError), store.begin(admin) as connection:
        open_unit(connection, "S0010", "B099", "sub_branch", Text("新", "New"))


@pytest.mark.parametrize(
    "name", ["", "  ", "a\u202eb", "a\x00b", "a\nb", "x" * 65, "zero\u200bwidth", "\ud800"], ids=lambda n: ascii(n)[:12]
)
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="bad_name"):
        checked_name(name)


@pytest.mark.parametrize("value", ["B01,*", "*", "", "a b", "{x}", 'a"b', "-x", "x" * 65, "é", "1'; DROP TABLE staff"])
def test_hostile_ids_are_refused(value: str) -> None:
    with pytest.raises(InputError, match="bad_name"):
        checked_id(value)


@pytest.mark.parametrize("name", ["李雷", "<script>alert(1)</script>", "O'Neil; DROP TABLE staff", "𠮷野家", "Ünal"])
def test_strange_names_are_kept_as_they_are(folk: Folk, store: Store, name: str) -> None:
    with store.begin(folk.who("system_admin")) as connection:
        engage_staff(connection, "Z1", name, "S0001", "relationship_manager")
        assert person_of(connection, "Z1").name == name


@given(st.text(max_size=80))
def test_a_kept_name_shows_every_character(name: str) -> None:
    try:
        found = checked_name(name)
    except InputError:
        return
    assert all(c.isprintable() or 0x20000 <= ord(c) < 0x3FFFE for c in found)
    assert checked_name(found) == found


LICENCE = Licence("M1", "fund", date(2025, 7, 1), DAY)


@pytest.mark.parametrize(
    ("risk", "licence", "day", "taken"),
    [
        (2, "fund", DAY, True),
        (3, "fund", DAY - timedelta(days=1), True),
        (3, "fund", DAY, False),
        (5, "", DAY - timedelta(days=1), True),
        (3, "insurance", DAY - timedelta(days=1), False),
        (3, "fund", date(2025, 6, 30), False),
    ],
)
def test_r3_needs_a_licence_valid_on_the_day(risk: int, licence: str, day: date, taken: bool) -> None:
    if taken:
        may_take("M1", risk, licence, [LICENCE], day)
    else:
        with pytest.raises(DeniedError, match="no_licence"):
            may_take("M1", risk, licence, [LICENCE], day)


def task(number: int, risk: int = 0, licence: str = "", customer: str = "C0000") -> pa.Table:
    return pa.table(
        {
            "decision_id": [str(UUID(int=number))],
            "campaign": ["fund-switch"],
            "round": pa.array([1], pa.int32()),
            "customer_no": [customer],
            "unit_id": ["B001"],
            "due_on": [DAY],
            "action": ["fund|none|call"],
            "value_fen": [100],
            "script_version": ["s/1"],
            "reason": ["plan"],
            "risk": pa.array([risk], pa.int32()),
            "licence": [licence],
        }
    )


def test_an_expired_licence_takes_no_r3_task(folk: Folk, store: Store) -> None:
    with store.begin(PEOPLE_SYSTEM) as connection:
        create_tasks(connection, task(1, 3, "fund"), {"B001": 9})
        create_tasks(connection, task(2, 2, "fund"), {"B001": 9})
        license_staff(connection, "M00002", "fund", date(2024, 1, 1), date(2026, 1, 1))
        license_staff(connection, "M00003", "fund", date(2026, 1, 1), date(2027, 1, 1))
    head = folk.who("branch_commander", "tasks")
    with pytest.raises(DeniedError, match="no_licence"), store.begin(head) as connection:
        assign_task(connection, UUID(int=1), "M00002")
    with store.begin(head) as connection:
        assign_task(connection, UUID(int=2), "M00002")
        assign_task(connection, UUID(int=1), "M00003")
        assert {t.staff_id for t in tasks_of(connection, "B001", DAY, DAY)} == {"M00002", "M00003"}


def test_who_is_on_leave_gets_no_task_and_the_backup_is_named(folk: Folk, store: Store) -> None:
    with store.begin(PEOPLE_SYSTEM) as connection:
        create_tasks(connection, task(1), {"B001": 9})
    head = folk.who("branch_commander", "tasks")
    with store.begin(head) as connection:
        record_leave(connection, "M00001", DAY, DAY + timedelta(days=5), "annual leave")
    with pytest.raises(ConflictError, match="M00002"), store.begin(head) as connection:
        assign_task(connection, UUID(int=1), "M00001")


def test_a_backup_acts_while_the_other_is_away_and_says_so(
    folk: Folk, store: Store, store_server: EmbeddedServer, database: str
) -> None:
    with pytest.raises(DeniedError, match="not_deputy"):
        folk.who("M00002", "service", acting_for="M00001")
    with store.begin(folk.who("branch_commander", "tasks")) as connection:
        record_leave(connection, "M00001", NOW.date(), NOW.date(), "sick")
    found = folk.who("M00002", "service", acting_for="M00001")
    assert (found.id, found.book, found.acting_for) == ("M00002", "M00001", "M00001")
    with later(store, store_server, database, 1) as after:
        folk.store = after
        with pytest.raises(DeniedError, match="not_deputy"):
            folk.who("M00002", "service", acting_for="M00001")


def test_a_delegate_acts_until_the_day_and_no_administrator_lends_a_role(folk: Folk, store: Store) -> None:
    with store.begin(PEOPLE_SYSTEM) as connection:
        until = NOW + timedelta(days=1)
        name_backup(connection, "checker", "M00003", "away", kind="delegation", until=until)
        name_backup(connection, "secadmin", "M00003", "away", kind="delegation", until=until)
        name_backup(connection, "checker", "sysadmin", "away", kind="delegation", until=until)
    assert folk.who("M00003", "approval", acting_for="checker").acting_for == "checker"
    with pytest.raises(DeniedError, match="no_grant"):
        folk.who("M00003", "administration", acting_for="secadmin")
    with pytest.raises(DeniedError, match="not_deputy"):
        folk.who("sysadmin", "approval", acting_for="checker")


def test_demonstration_people_are_refused_in_a_real_bank(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DeniedError, match="not_demo"), store.begin(PEOPLE_SYSTEM) as connection:
        seed_demo_people(connection, tmp_path)
