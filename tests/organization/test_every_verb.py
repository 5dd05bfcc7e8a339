"""Every verb of people and rights leaves exactly one audit row, in the name of who did it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text

from bankloop.kit.text import Text
from bankloop.organization.granting import (
    approve_grant,
    approve_transfer,
    ask_grant,
    recall_transfer,
    reject_grant,
    reject_transfer,
    revoke_grant,
    submit_transfer,
)
from bankloop.organization.outside import admit_outside
from bankloop.organization.people import (
    close_unit,
    engage_staff,
    license_staff,
    move_staff,
    move_unit,
    name_backup,
    open_unit,
    record_leave,
)
from bankloop.organization.principals import auditor, system
from bankloop.organization.rights import approve_agreement, end_agreement, propose_agreement, record_consent, unmask
from bankloop.store.contracts import Role
from bankloop.store.database import Store
from bankloop.store.verbs import VERBS
from tests.organization.conftest import PEOPLE_SYSTEM, Folk

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
ROOMS = ("bankloop.organization.people", "bankloop.organization.rights")


def test_every_verb_of_people_and_rights_leaves_its_row(folk: Folk, store: Store) -> None:
    with store.begin(PEOPLE_SYSTEM) as connection:
        open_unit(connection, "S0008", "B001", "sub_branch", Text("新", "New"))
        engage_staff(connection, "Z1", "李", "S0008", "relationship_manager")
        move_staff(connection, "Z1", "S0001", "relationship_manager", "moved", NOW + timedelta(days=1))
        license_staff(connection, "Z1", "fund", date(2026, 1, 1), date(2027, 1, 1))
        admit_outside(connection, "Z1", "a vendor", "M00001", date(2026, 9, 1), "a campaign")
        record_leave(connection, "Z1", date(2026, 7, 1), date(2026, 7, 2), "leave")
        name_backup(connection, "Z1", "M00001", "backup")
        move_unit(connection, "S0004", "B001", "moved", NOW + timedelta(days=1))
        open_unit(connection, "S0007", "B001", "sub_branch", Text("空", "Empty"))
    with store.begin(system("later")) as connection:
        connection.execute(text("UPDATE org_unit SET valid_from = '2026-01-01' WHERE unit_id = 'S0007'"))
        close_unit(connection, "S0007", "merged")
    _transfers(folk)
    _grants(folk)
    _agreements(folk)
    with store.begin(folk.who("relationship_manager", "service")) as connection:
        unmask(connection, "C0001", ["birth_date"], "call", "T-1")
    with store.begin(auditor(), Role.AUDITOR) as connection:
        left = set(connection.scalars(text("SELECT DISTINCT verb FROM audit")))
        nameless = connection.scalar(text("SELECT count(*) FROM audit WHERE principal = ''"))
    assert {name for name, act in VERBS.items() if act.__module__.startswith(ROOMS)} <= left
    assert nameless == 0


def _transfers(folk: Folk) -> None:
    commander, checker = folk.who("branch_commander", "tasks"), folk.who("branch_approver", "approval")
    for decide in (approve_transfer, reject_transfer, recall_transfer):
        with folk.store.begin(commander) as connection:
            asked = submit_transfer(connection, "M00001", "M00002", "x", customers=["C0009"])
        with folk.store.begin(commander if decide is recall_transfer else checker) as connection:
            decide(connection, asked.transfer_id, "y")
        if decide is approve_transfer:
            with folk.store.begin(commander) as connection:
                back = submit_transfer(connection, "M00002", "M00001", "x", customers=["C0009"])
            with folk.store.begin(checker) as connection:
                approve_transfer(connection, back.transfer_id)


def _grants(folk: Folk) -> None:
    first, second = folk.who("secadmin"), folk.who("secadmin2")
    for decide in (reject_grant, approve_grant):
        with folk.store.begin(first) as connection:
            asked = ask_grant(connection, "M00004", "relationship_manager", "x")
        with folk.store.begin(second) as connection:
            decide(connection, asked.grant_id, "y")
    with folk.store.begin(second) as connection:
        revoke_grant(connection, asked.grant_id, "z")


def _agreements(folk: Folk) -> None:
    with folk.store.begin(folk.who("hq_strategist", "campaign")) as connection:
        until = NOW + timedelta(days=1)
        propose_agreement(connection, "A-1", "retail", "corporate", "service", ["region"], until, "x")
    with folk.store.begin(folk.who("hq_approver", "approval")) as connection:
        approve_agreement(connection, "A-1")
    with folk.store.begin(folk.who("data_steward", "quality")) as connection:
        record_consent(connection, "A-1", "C0001")
        end_agreement(connection, "A-1", "over")
