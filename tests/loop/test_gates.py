"""A campaign's life on its pages: the gate of each step with its owner, the review with its documents, the next round's draft."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest

from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.gates import GATES, GateFacts, gates_of
from bankloop.organization.approval import Act, Approval, ApprovalState, Stage
from bankloop.organization.principals import system
from tests.bankfixture import SmallBank
from tests.web.conftest import Staffed, TestClient, staff

NAME = "first-wealth"
REVIEWERS = ("consumer", "compliance", "checker", "checker2")


@pytest.fixture
def staffed(bank: Bank) -> Iterator[Staffed]:
    """The bank with its people, served; nothing of it was approved yet but its models."""
    found = staff(SmallBank(bank, None, None))  # type: ignore[arg-type]
    with TestClient(found.app, base_url="http://127.0.0.1"):
        yield found


def gates(client: TestClient) -> dict[str, tuple[str, ...]]:
    """By step what its gate asks, who answers for it, how it stands, and who opened it or what it waits for."""
    page = client.get(f"/campaigns/{NAME}").text
    body = page.split('id="gates"', 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("</tr>")]
    plain = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in rows if row]
    return {row[0]: tuple(row[1:]) for row in plain}


def proof(client: TestClient, place: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(place).text)
    assert found is not None
    return found[1]


def submitted(staffed: Staffed) -> str:
    """The address of the request for the campaign, asked for on its page."""
    maker = staffed.client("strategist")
    made = maker.post(f"/campaigns/{NAME}/submit", data={"csrf": proof(maker, f"/campaigns/{NAME}")})
    assert made.status_code == 200
    return str(made.url.path)


@pytest.mark.capability("A10")
def test_each_step_has_its_gate_and_owner_none_is_skipped_and_a_closed_round_drafts_the_next(staffed: Staffed) -> None:
    bank, maker = staffed.small.open, staffed.client("strategist")
    before = gates(maker)
    assert list(before) == ["建模型", "筛客群", "配产品", "定权益", "选话术", "准触达", "评结果", "优模型"]
    assert [row[2] for row in before.values()][:2] == ["已开", "走到这里"]
    assert before["建模型"][1] == "数据科学家"
    assert before["筛客群"][3] == "等经办提交"
    place = submitted(staffed)
    now = gates(maker)
    assert now["筛客群"][2:4] == ("已开", now["筛客群"][3])
    assert "strategist" in now["筛客群"][3]
    assert now["选话术"][2:] == ("走到这里", "等消保意见")
    # Launched before step 6 is approved: refused, by API and by page.
    day = bank.lake.today().isoformat()
    asked = {"round": 1, "start": day}
    refused = staffed.api("strategist").post("/api/v1/runs", json=asked, headers={"idempotency-key": "early"})
    assert refused.status_code == 409, refused.text
    form = {"csrf": proof(maker, "/rounds"), "round": "1", "start": day}
    assert maker.post("/rounds/run", data=form).status_code == 409
    for person in REVIEWERS:
        client = staffed.client(person)
        client.post(f"{place}/pass", data={"csrf": proof(client, place), "comment": "同意"})
        if gates(maker)["准触达"][2] == "已开":
            break
    opened = gates(maker)
    assert "consumer" in opened["选话术"][3]
    assert opened["准触达"][2] == "已开"
    assert person in opened["准触达"][3]
    assert loop.run(bank, system(), 1, bank.lake.today()).issued is not None
    closed = maker.post(f"{place}/close", data={"csrf": proof(maker, place), "comment": "一轮结束"})
    assert closed.status_code == 200
    second = maker.get(f"/campaigns/{NAME}?round=1").text
    assert "本轮草稿来自" not in second
    drafted = maker.get(f"/campaigns/{NAME}").text
    assert "下一轮草稿" in drafted
    again = staffed.api("strategist").post("/api/v1/runs", json={**asked, "round": 2}, headers={"idempotency-key": "again"})  # fmt: skip
    assert again.status_code == 409


@pytest.mark.capability("H29")
def test_the_review_has_its_documents_filing_numbers_and_what_is_recorded(staffed: Staffed) -> None:
    """A product of R2: without a positive opinion nothing starts; returned with documents, it is a draft."""
    place, consumer = submitted(staffed), staffed.client("consumer")
    page = consumer.get(place).text
    assert 'type="file"' in page
    assert "SMS-2026-0402" in page
    assert "须双录的产品" in page
    asked = {"round": 1, "start": staffed.small.open.lake.today().isoformat()}
    early = staffed.api("strategist").post("/api/v1/runs", json=asked, headers={"idempotency-key": "unreviewed"})
    assert early.status_code == 409
    body = "要写明本金可能损失".encode()
    sent = {"csrf": proof(consumer, place), "comment": "补充风险提示"}
    returned = consumer.post(
        f"{place}/return", data=sent, files=[("documents", ("意见.txt", body)), ("documents", ("", b""))]
    )
    assert returned.status_code == 200
    assert "意见.txt" in returned.text
    assert sha256(body).hexdigest()[:12] in returned.text
    assert "补充风险提示" in returned.text
    assert "草稿" in staffed.client("strategist").get(f"/campaigns/{NAME}").text
    # Submitted again, the opinion is positive, with a document that the API names.
    again = submitted(staffed)
    number = again.rpartition("/")[2]
    named = {"comment": "同意", "documents": [{"name": "审查表.pdf", "digest": "0" * 64}]}
    passed = staffed.api("consumer").post(f"/api/v1/approvals/{number}/pass", json=named, headers={"idempotency-key": "opinion"})  # fmt: skip
    assert passed.status_code == 200, passed.text
    assert "审查表.pdf" in consumer.get(again).text


REQUEST = Approval(
    UUID(int=1), "campaign", NAME, "d", "maker", None, ApprovalState.SUBMITTED, "", datetime(2026, 6, 30, tzinfo=UTC), None,
    route=(Stage.CONSUMER, Stage.FIRST),
)  # fmt: skip
FACTS = GateFacts(True, "checker", REQUEST, (), True, (), {}, frozenset())


def act(stage: Stage, person: str) -> Act:
    return Act(1, "pass", stage, person, None, "", (), ApprovalState.CONSUMER_OK, datetime(2026, 6, 30, tzinfo=UTC))


def test_behind_a_gate_that_is_shut_none_stands_open() -> None:
    assert [one.step for one in gates_of(FACTS) if one.open] == list(GATES[:4])
    reviewed = replace(FACTS, acts=(act(Stage.CONSUMER, "consumer"),))
    assert [one.step for one in gates_of(reviewed) if one.open] == list(GATES[:5])
    assert gates_of(reviewed)[4].by == "consumer"
    untrained = gates_of(replace(reviewed, champion=False))
    assert not any(one.open for one in untrained)
    assert untrained[0].waits is not None
    off = gates_of(replace(reviewed, off_shelf=("wealth",)))
    assert [one.step for one in off if one.open] == ["model", "audience"]
    assert off[2].waits is not None
    assert "wealth" in off[2].waits.zh
    missing = gates_of(replace(reviewed, parts={"script/x": False, "benefit/y": True}))
    assert [one.step for one in missing if one.open] == list(GATES[:4])


def test_a_round_that_was_read_and_closed_has_every_gate_open() -> None:
    granted = replace(REQUEST, state=ApprovalState.APPROVED)
    found = gates_of(replace(FACTS, request=granted, acts=(act(Stage.CONSUMER, "consumer"), act(Stage.FIRST, "checker")), done=frozenset(GATES)))  # fmt: skip
    assert all(one.open for one in found)
    assert found[5].by == "checker"
