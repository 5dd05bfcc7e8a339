"""Roles given to people: by two, separated, revoked at once; and what a person is by them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.organization.approval import approval_of, approvals_waiting, approve, expire_approvals, kill, recall
from bankloop.organization.granting import approve_grant, ask_grant, reject_grant, revoke_grant
from bankloop.organization.rights import Grant, GrantState, begin_rights, grants, grants_of
from bankloop.store.contracts import Principal
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from tests.organization.conftest import PEOPLE_SYSTEM, Folk

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)


def ask(folk: Folk, person: str, role: str, **more: object) -> Grant:
    with folk.store.begin(folk.who("secadmin")) as connection:
        return ask_grant(connection, person, role, "joined", **more)  # type: ignore[arg-type]


def test_a_role_takes_two_security_administrators(folk: Folk, store: Store) -> None:
    asked = ask(folk, "M00003", "relationship_manager")
    with pytest.raises(DeniedError, match="no_grant"):
        folk.who("M00003", "service")
    with pytest.raises(DeniedError, match="same_person"), store.begin(folk.who("secadmin")) as connection:
        approve_grant(connection, asked.grant_id)
    with store.begin(folk.who("secadmin2")) as connection:
        assert approve_grant(connection, asked.grant_id).state is GrantState.OPEN
    found = folk.who("M00003", "service")
    assert (found.units, found.book, found.lines) == (("S0002",), "M00003", ("*",))
    with store.begin(folk.who("secadmin2")) as connection:
        assert approve_grant(connection, asked.grant_id).state is GrantState.OPEN
        assert len(grants(connection, person_id="M00003")) == 1


def test_a_grant_is_a_request_like_any_other(folk: Folk, store: Store) -> None:
    asked = ask(folk, "M00003", "relationship_manager")
    with store.begin(folk.who("secadmin2")) as connection:
        (waiting,) = [one for one in approvals_waiting(connection) if one.kind == "grant"]
        assert (waiting.object_id, waiting.content["role"]) == (str(asked.grant_id), "relationship_manager")
        assert [str(stage) for stage in waiting.route] == ["first"]
        approve(connection, waiting.approval_id)
    assert folk.who("M00003", "service").book == "M00003"


@pytest.mark.parametrize("how", ["recalled", "expired", "killed", "revoked"])
def test_what_is_asked_for_ends_with_its_request(
    folk: Folk, store: Store, store_server: EmbeddedServer, database: str, how: str
) -> None:
    asked = ask(folk, "M00003", "relationship_manager")
    with store.begin(folk.who("secadmin")) as connection:
        found = approval_of(connection, "grant", str(asked.grant_id))
        assert found is not None
        if how == "recalled":
            recall(connection, found.approval_id, "not now")
        if how == "revoked":
            revoke_grant(connection, asked.grant_id, "left")
    with attach_store(store.folder, FixedClock(NOW + timedelta(days=15)), store_server, database) as later:
        if how == "expired":
            with later.begin(PEOPLE_SYSTEM) as connection:
                assert expire_approvals(connection) == 1
        if how == "killed":
            with later.begin(PEOPLE_SYSTEM) as connection:
                kill(connection, found.approval_id, "misused")
        with later.begin(PEOPLE_SYSTEM) as connection:
            (left,) = grants(connection, person_id="M00003")
            assert left.state is (GrantState.ENDED if how == "revoked" else GrantState.REFUSED)
            assert left.decided_by in (None, PEOPLE_SYSTEM.id)
    with pytest.raises(ConflictError), store.begin(folk.who("secadmin2")) as connection:
        approve_grant(connection, asked.grant_id)
    with pytest.raises(DeniedError, match="no_grant"):
        folk.who("M00003", "service")


def test_nobody_asks_for_themselves_and_nobody_else_grants(folk: Folk, store: Store) -> None:
    with pytest.raises(DeniedError, match=r"rights\.own"):
        ask(folk, "secadmin", "hq_approver")
    for role in ("system_admin", "hq_approver", "auditor", "branch_commander"):
        with pytest.raises(DeniedError, match=r"grant\.submit"), store.begin(folk.who(role)) as connection:
            ask_grant(connection, "M00003", "relationship_manager", "x")


@pytest.mark.parametrize("person", ["sysadmin", "secadmin2", "auditor"])
@pytest.mark.parametrize("role", ["system_admin", "security_admin", "auditor", "relationship_manager"])
def test_the_three_administrators_are_three_people(folk: Folk, person: str, role: str) -> None:
    with pytest.raises((DeniedError, ConflictError), match=r"administrators_split|already_granted"):
        ask(folk, person, role)


def test_the_database_itself_keeps_the_three_apart(folk: Folk, store: Store) -> None:
    with pytest.raises(IntegrityError, match="role_grant_administrators"), store.begin(PEOPLE_SYSTEM) as connection:
        connection.execute(
            text(
                "INSERT INTO role_grant (grant_id, person_id, role, units, lines, state, valid_from, reason, made_by) "
                "VALUES (gen_random_uuid(), 'auditor', 'system_admin', '{}', '{*}', 'open', now(), 'x', 'y')"
            )
        )


def test_a_person_writes_no_grant_past_the_verbs(folk: Folk, store: Store) -> None:
    for role in ("hq_approver", "system_admin", "auditor", "relationship_manager"):
        with pytest.raises(DeniedError, match="not theirs"), store.begin(folk.who(role)) as connection:
            connection.execute(
                text(
                    "INSERT INTO role_grant (grant_id, person_id, role, units, lines, state, valid_from, reason, "
                    "made_by) VALUES (gen_random_uuid(), 'M00004', 'hq_approver', '{}', '{*}', 'open', now(), 'x', 'y')"
                )
            )
        with store.begin(folk.who(role)) as connection:
            changed = connection.execute(text("UPDATE role_grant SET role = 'hq_approver'"))
            assert changed.rowcount == 0


def test_a_role_revoked_during_a_session_is_gone_at_the_next_request(folk: Folk, store: Store) -> None:
    assert folk.who("hq_strategist", "campaign").units == ("*",)
    with store.begin(folk.who("secadmin")) as connection:
        (held,) = grants_of(connection, "strategist")
        revoke_grant(connection, held.grant_id, "left")
    with pytest.raises(DeniedError, match="no_grant"):
        folk.who("strategist", "campaign")
    with pytest.raises(InputError, match="needs"), store.begin(folk.who("secadmin")) as connection:
        revoke_grant(connection, held.grant_id, " ")


def test_a_grant_begins_and_ends_at_its_moments(
    folk: Folk, store: Store, store_server: EmbeddedServer, database: str
) -> None:
    day = timedelta(days=1)
    asked = ask(folk, "M00003", "data_scientist", valid_from=NOW + day, valid_to=NOW + 2 * day)
    with store.begin(folk.who("secadmin2")) as connection:
        approve_grant(connection, asked.grant_id)
    found = {}
    for days in range(3):
        with attach_store(store.folder, FixedClock(NOW + days * day), store_server, database) as then:
            folk.store = then
            try:
                found[days] = next(iter(folk.who("M00003", "analysis").roles & {"data_scientist"}))
            except DeniedError:
                found[days] = ""
    folk.store = store
    assert found == {0: "", 1: "data_scientist", 2: ""}
    with pytest.raises(InputError, match="bad_validity"):
        ask(folk, "M00003", "hq_approver", valid_to=NOW - day)


def test_an_ended_grant_can_be_given_again(folk: Folk, store: Store) -> None:
    asked = ask(folk, "M00003", "hq_approver")
    with pytest.raises(ConflictError, match="already_granted"):
        ask(folk, "M00003", "hq_approver")
    with store.begin(folk.who("secadmin2")) as connection:
        reject_grant(connection, asked.grant_id, "not now")
    assert ask(folk, "M00003", "hq_approver").state is GrantState.REQUESTED


def test_the_first_administrators_are_named_once(store: Store) -> None:
    with store.begin(PEOPLE_SYSTEM) as connection:
        assert len(begin_rights(connection, "anna", "bert")) == 2
    with pytest.raises(ConflictError, match="begun"), store.begin(PEOPLE_SYSTEM) as connection:
        begin_rights(connection, "carl", "dora")


def test_unknown_people_roles_and_hostile_scopes(folk: Folk) -> None:
    with pytest.raises(NotFoundError):
        folk.who("nobody")
    with pytest.raises(InputError, match="unknown_role"):
        ask(folk, "M00003", "root")
    for units in (("B01,*",), ("*",), ("{x}",)):
        with pytest.raises(InputError, match="bad_name"):
            ask(folk, "M00003", "branch_commander", units=units)
    with pytest.raises(InputError, match="bad_name"):
        ask(folk, "M00003", "branch_commander", lines=("retail,corporate",))


def test_a_purpose_that_the_role_does_not_serve_is_refused(folk: Folk) -> None:
    with pytest.raises(DeniedError, match="no_grant"):
        folk.who("relationship_manager", "analysis")


@pytest.mark.parametrize("bad", ["retail,*", "a}b", 'x"y'])
def test_no_setting_can_be_smuggled_into(store: Store, bad: str) -> None:
    for principal in (
        Principal("x", lines=(bad,)),
        Principal("x", roles=frozenset({bad})),
        Principal("x", rights=frozenset({bad})),
    ):
        with pytest.raises(DeniedError), store.begin(principal):
            pass
