"""What approval does, kind by kind, whichever way it is given: by the command, the API or the page."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bankloop.cli.application import application
from bankloop.kit.errors import BankloopError, ConflictError
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import submit
from bankloop.loop.campaign.locks_in_force import approved_locks
from bankloop.loop.learning.training import draft_model
from bankloop.organization import account
from bankloop.organization.approval import (
    KINDS,
    ApprovalState,
    Effects,
    approval_by_id,
    approval_of,
    approve,
    effects,
    effects_of,
    submit_approval,
)
from bankloop.organization.demonstration import seed_demo_people
from bankloop.organization.people import load_people
from bankloop.organization.principals import checker, maker, reviewers, system
from bankloop.organization.rights import principal_for
from bankloop.store.contracts import Principal
from bankloop.store.outbox import stuck_messages
from bankloop.store.registry import champion, read_campaign
from bankloop.web.shell.app import create_app
from bankloop.work.approvals import carry_out, check_kinds, decide
from tests.web.conftest import DEMO, TestClient

NAME = "keep-deposits"
Give = Callable[[str, str, str], None]


def test_every_kind_says_what_its_approval_does() -> None:
    check_kinds()
    for kind in KINDS:
        assert effects_of(kind).says.zh
        assert effects_of(kind).says.en


def test_a_process_that_has_imported_no_room_hears_them_when_it_asks() -> None:
    code = (
        "from bankloop import wiring\n"
        "from bankloop.organization.approval import KINDS, effects_of, hear\n"
        "hear(wiring.let_every_kind_speak)\n"
        "print(len({effects_of(kind).says.en for kind in KINDS}) > 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.fixture
def folk(bank: Bank) -> Bank:
    """The bank with one person a role, each with an account."""
    load_people(bank.store, bank.lake)
    with bank.store.begin(system()) as connection:
        people = seed_demo_people(connection, bank.folder)
    with bank.store.begin(account.SIGN_IN) as connection:
        for one in people:
            account.open_account(connection, one.person_id)
    return bank


@pytest.fixture(params=["command", "api", "page"])
def give(request: pytest.FixtureRequest, folk: Bank, monkeypatch: pytest.MonkeyPatch) -> Iterator[Give]:
    """Give a consent as a person, by each of the three ways."""
    if request.param == "command":
        monkeypatch.setattr("bankloop.wiring.open_bank", lambda *_: nullcontext(folk))

        def by_command(person: str, kind: str, object_id: str) -> None:
            words = ["approve", f"{kind}/{object_id}", "--as", person, "--bank", str(folk.folder), "--json"]
            done = CliRunner().invoke(application, words)
            assert done.exit_code == 0, done.output
            assert json.loads(done.stdout.strip().splitlines()[-1])["passed"] > 0

        yield by_command
        return
    app = create_app(lambda: nullcontext(folk), DEMO, rates=("100000/minute", "100000/minute"))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000)) as client:

        def signed_in(person: str) -> str:
            return account.switch_person(folk.store, DEMO, person).token

        def by_api(person: str, kind: str, object_id: str) -> None:
            with folk.store.begin(system()) as connection:
                found = approval_of(connection, kind, object_id)
            assert found is not None
            headers = {
                "authorization": f"Bearer {signed_in(person)}",
                "idempotency-key": f"{person}-{found.approval_id}",
            }
            answer = client.post(f"/api/v1/approvals/{found.approval_id}/pass", json={"comment": "ok"}, headers=headers)
            assert answer.status_code == 200, answer.text

        def by_page(person: str, kind: str, object_id: str) -> None:
            with folk.store.begin(system()) as connection:
                found = approval_of(connection, kind, object_id)
            assert found is not None
            client.cookies.set("session", signed_in(person))
            place = f"/approvals/{found.approval_id}"
            page = client.get(place).text
            assert effects_of(kind).says.zh in page
            csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
            form = {"csrf": csrf, "comment": "ok", "digest": found.digest}
            answer = client.post(f"{place}/pass", data=form, follow_redirects=False)
            assert answer.status_code == 303, answer.text
            client.cookies.clear()

        yield by_api if request.param == "api" else by_page


def person_for(bank: Bank, who: str, purpose: str) -> Principal:
    with bank.store.begin(system()) as connection:
        return principal_for(connection, who, purpose)


def test_an_approved_model_is_champion(folk: Bank, give: Give) -> None:
    day = folk.lake.today() - timedelta(days=15)
    card = draft_model(folk, person_for(folk, "strategist", "campaign"), "bind-card", day)
    give("checker", "model", "bind-card")
    with folk.store.begin(system()) as connection:
        found = champion(connection, "bind-card")
        request = approval_of(connection, "model", "bind-card")
    assert found is not None
    assert (found.version, found.artefact_digest) == (2, request.digest if request else "")
    assert card is not None
    submit(folk, person_for(folk, "strategist", "campaign"), "bind-card")  # of the new champion


def test_an_approved_campaign_may_run(folk: Bank, give: Give) -> None:
    submit(folk, person_for(folk, "strategist", "campaign"), "bind-card")
    with pytest.raises(ConflictError, match="nothing_approved"):
        approved_locks(folk, system())
    for person in ("consumer", "compliance", "checker"):
        give(person, "campaign", "bind-card")
    assert set(approved_locks(folk, system())) == {"bind-card"}
    with folk.store.begin(system()) as connection:
        row = read_campaign(connection, "bind-card")
    assert row is not None
    assert (row.state, row.round) == ("approved", 1)


def test_whoever_consents_below_the_campaign_s_own_verbs_frees_it_too(bank: Bank) -> None:
    """The effect is of the request: no way of giving the last consent leaves it out."""
    submit(bank, maker(), "bind-card")
    for person in reviewers():
        with bank.store.begin(system()) as connection:
            request = approval_of(connection, "campaign", "bind-card")
        assert request is not None
        if not request.granted:
            decide(bank, person, request.approval_id, "pass", "ok")
    assert set(approved_locks(bank, system())) == {"bind-card"}


@pytest.fixture
def failing() -> Iterator[list[str]]:
    """A benefit's approval, of which what comes later fails until the list is empty."""
    left = ["once", "twice"]
    kept = effects._EFFECTS["benefit"]

    def later(bank: Any, connection: Any, request: Any) -> None:
        connection.execute(text("UPDATE approval SET reason = reason || ' done' WHERE approval_id = :id"), {"id": request.approval_id})  # fmt: skip
        if left:
            raise BankloopError("effect.away", Text("暂时不行", f"not now: {left.pop()}"))

    effects._EFFECTS["benefit"] = Effects(Text("测试", "test"), later=later)
    yield left
    effects._EFFECTS["benefit"] = kept


def ask(bank: Bank) -> UUID:
    with bank.store.begin(maker()) as connection:
        found: UUID = submit_approval(connection, "benefit", "coupon-10", digest("x"), content={"x": 1})
    return found


def test_an_effect_that_fails_leaves_the_approval_and_is_tried_again(bank: Bank, failing: list[str]) -> None:
    made = ask(bank)
    for person in reviewers():
        with bank.store.begin(system()) as connection:
            if approval_by_id(connection, made).granted:
                break
        decided = decide(bank, person, made, "pass", "ok")
    assert decided.approval.state is ApprovalState.APPROVED
    assert [one.reason.en for one in decided.carried.failures] == ["not now: twice"]
    with bank.store.begin(maker()) as connection:
        assert [one.error.en for one in stuck_messages(connection)] == ["not now: twice"]
    assert [one.reason.en for one in carry_out(bank).failures] == ["not now: once"]
    assert carry_out(bank).done == 1
    assert carry_out(bank).done == 0
    with bank.store.begin(system()) as connection:
        assert stuck_messages(connection) == []
        assert approval_by_id(connection, made).reason.count("done") == 1


def test_a_model_approved_twice_at_once_is_promoted_once(bank: Bank) -> None:
    draft_model(bank, maker(), "bind-card", bank.lake.today() - timedelta(days=15))
    with bank.store.begin(system()) as connection:
        request = approval_of(connection, "model", "bind-card")
    assert request is not None

    def one(_: int) -> str:
        try:
            with bank.store.begin(checker()) as connection:
                return approve(connection, request.approval_id).state
        except BankloopError as error:
            return error.code

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(one, range(2))) == {"approved"}
    with bank.store.begin(system()) as connection:
        promoted = connection.scalar(
            text("SELECT count(*) FROM model_version WHERE model_id = 'bind-card' AND state = 'champion'")
        )
    assert promoted == 1
