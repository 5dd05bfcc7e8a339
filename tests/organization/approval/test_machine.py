"""No sequence of submissions, edits, consents, deputies and replays makes anything run without the consents it needs.

The model knows only what people said; PostgreSQL holds what the program made of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError, DeniedError
from bankloop.organization.approval import (
    ApprovalState,
    Demand,
    Lane,
    Stage,
    approval_by_id,
    approvals,
    approve,
    close_request,
    comply,
    expire_approvals,
    kill,
    pause_request,
    recall,
    record_edit,
    reject,
    resume_request,
    review,
    start_request,
    submit_approval,
)
from bankloop.organization.principals import checker, compliance, maker, system
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store

OBJECT = "bind-card"
MAKERS = [maker("wang"), maker("li"), compliance("both")]
CONSUMER = [compliance("consumer"), compliance("both")]
CHECKERS = [checker("chen"), checker("zhao"), checker("wang"), compliance("both")]
PEOPLE = [*MAKERS, *CONSUMER, *CHECKERS, system()]
NAMES = sorted({person.id for person in PEOPLE})
GONE_ON = {ApprovalState.APPROVED, ApprovalState.SCHEDULED, ApprovalState.RUNNING, ApprovalState.PAUSED}

people = st.sampled_from(PEOPLE)
deputies = st.none() | st.sampled_from(NAMES)
digests = st.sampled_from(["d1", "d2"])
demands = st.sampled_from(
    [
        Demand(100, 100, 0),
        Demand(20_000, 100, 0),
        Demand(100, 100, 2, lane=Lane.STABLE),
        Demand(100, 100, 0, emergency=True),
    ]
)


class Approvals(RuleBasedStateMachine):
    """People act as they like on one campaign; ``consents`` is what each request was really given."""

    store: ClassVar[Store]

    @initialize()
    def begin(self) -> None:
        with self.store.begin(system(), Role.OWNER) as connection:
            for table in ("approval_act", "approval_edit", "approval"):
                connection.execute(text(f"TRUNCATE {table} CASCADE"))
        self.store.clock = FixedClock(self.store.clock.now())
        self.requests: list[UUID] = []
        self.consents: dict[UUID, dict[Stage, set[str]]] = {}
        self.hands: dict[UUID, set[str]] = {}
        self.editors: set[str] = set()

    @contextmanager
    def tried(self, person: Principal, acting_for: str | None) -> Iterator[Connection]:
        """Let somebody try; a refusal is fine, anything but a refusal of ours is not."""
        who = dataclasses.replace(person, acting_for=acting_for or "") if acting_for != person.id else person
        try:
            with self.store.begin(who) as connection:
                yield connection
        except BankloopError:
            pass

    @rule(person=people, acting_for=deputies, digest=digests, demand=demands)
    def submit(self, person: Principal, acting_for: str | None, digest: str, demand: Demand) -> None:
        with self.tried(person, acting_for) as connection:
            made = submit_approval(connection, "campaign", OBJECT, digest, demand=demand, reason="now")
            if made not in self.requests:
                self.requests.append(made)
                self.consents[made] = {}
                self.hands[made] = {person.id, acting_for or person.id} | self.editors

    @rule(person=people, digest=digests)
    def edit(self, person: Principal, digest: str) -> None:
        with self.tried(person, None) as connection:
            record_edit(connection, "campaign", OBJECT, digest)
            self.editors.add(person.id)
            for hands in self.hands.values():
                hands.add(person.id)

    @rule(person=people, acting_for=deputies, data=st.data(), stage=st.sampled_from(Stage))
    def consent(self, person: Principal, acting_for: str | None, data: st.DataObject, stage: Stage) -> None:
        if not self.requests:
            return
        request = data.draw(st.sampled_from(self.requests))
        with self.tried(person, acting_for) as connection:
            before = approval_by_id(connection, request)
            match stage:
                case Stage.CONSUMER:
                    after = review(connection, request, positive=True, opinion="fine")
                case Stage.COMPLIANCE:
                    after = comply(connection, request)
                case _:
                    after = approve(connection, request)
            if after.passed > before.passed:
                given = self.consents[request]
                names = {person.id, acting_for or person.id}
                assert not names & self.hands[request], "a hand of the maker consented"
                assert not names & {name for said in given.values() for name in said}, "somebody consented twice"
                assert not person.id.startswith("system")
                given[after.route[before.passed]] = names
                if after.state is ApprovalState.APPROVED:
                    self.editors.clear()

    @rule(person=people, data=st.data(), positive=st.booleans())
    def send_back(self, person: Principal, data: st.DataObject, positive: bool) -> None:
        if not self.requests:
            return
        request = data.draw(st.sampled_from(self.requests))
        with self.tried(person, None) as connection:
            if positive:
                reject(connection, request, "unclear")
            else:
                recall(connection, request)

    @rule(person=people, data=st.data(), move=st.sampled_from(("start", "pause", "resume", "close", "kill")))
    def go_on(self, person: Principal, data: st.DataObject, move: str) -> None:
        if not self.requests:
            return
        request = data.draw(st.sampled_from(self.requests))
        with self.tried(person, None) as connection:
            match move:
                case "start":
                    start_request(connection, request, "campaign.start")
                case "pause":
                    pause_request(connection, request, "wait", "campaign.pause")
                case "resume":
                    resume_request(connection, request, "", "campaign.resume")
                case "close":
                    close_request(connection, request, "", "campaign.close")
                case _:
                    kill(connection, request, "stop")

    @rule(days=st.sampled_from((1, 15, 40)))
    def time_passes(self, days: int) -> None:
        self.store.clock = FixedClock(self.store.clock.now() + timedelta(days=days))
        with self.store.begin(system()) as connection:
            expire_approvals(connection)

    @invariant()
    def only_with_every_consent(self) -> None:
        if not getattr(self, "requests", None):
            return
        with self.store.begin(system()) as connection:
            found = approvals(connection, "campaign", OBJECT)
        for request in found:
            if request.state in GONE_ON:
                given = self.consents[request.approval_id]
                assert set(given) == set(request.route)
                named = [name for said in given.values() for name in said]
                assert len(named) == len(set(named))
                assert len(request.route) >= 2
        assert sum(request.state in GONE_ON for request in found) <= 1


def test_nothing_runs_without_the_consents_it_needs(store: Store) -> None:
    Approvals.store = store
    run_state_machine_as_test(
        Approvals,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize("state", sorted(GONE_ON))
def test_the_database_itself_refuses_what_lacks_consents(store: Store, state: str) -> None:
    with store.begin(maker("wang")) as connection:
        request = submit_approval(connection, "campaign", OBJECT, "d1")
    with pytest.raises(DeniedError, match="consents are missing"), store.begin(checker("chen")) as connection:
        connection.execute(
            text("UPDATE approval SET state = :state, checker = 'chen' WHERE approval_id = :id"),
            {"state": state, "id": request},
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approval SET digest = 'd2'",
        "UPDATE approval SET maker = 'nobody'",
        "UPDATE approval SET route = '{first}'",
    ],
)
def test_what_was_submitted_is_frozen(store: Store, statement: str) -> None:
    with store.begin(maker("wang")) as connection:
        submit_approval(connection, "campaign", OBJECT, "d1")
    with pytest.raises(DeniedError, match="what was submitted is frozen"), store.begin(checker("chen")) as connection:
        connection.execute(text(statement))
