"""A referral and a request for support as people see them: forms without scripts, both inboxes, the API's one effect."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import Staffed, TestClient


def proof(client: TestClient, path: str = "/collaboration") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def send(client: TestClient, path: str, **fields: str) -> tuple[int, str, str]:
    answer = client.post(path, data={"csrf": proof(client), **fields}, follow_redirects=True)
    return answer.status_code, answer.url.path, answer.text


@pytest.mark.capability("A22")
def test_a_referral_goes_over_and_comes_back(staffed: Staffed) -> None:
    manager, corporate = staffed.of("relationship_manager"), "corporate"
    retail = staffed.client(manager)
    own = staffed.own_customer(manager)
    status, _, text = send(
        retail, "/collaboration/refer", topic="corporate_loan", about=own, need="设备贷款 300 万", company="泉江机械"
    )
    assert status == 400
    assert "征得客户同意" in text
    assert "设备贷款 300 万" in text  # nothing written is lost
    status, path, text = send(
        retail, "/collaboration/refer", topic="corporate_loan", about=own, need="设备贷款 300 万", company="泉江机械", agreed="yes",
    )  # fmt: skip
    assert status == 200
    assert "待接单" in text
    line = staffed.client(corporate)
    assert "泉江机械" in line.get("/collaboration").text
    page = line.get(path).text
    assert own not in page
    assert "介绍来的客户" in page
    task = re.search(r"/workbench/[0-9a-f-]{36}", line.get("/workbench").text)
    if task:  # due in three working days: not on every day's list
        assert path in line.get(task[0]).text
    assert send(line, f"{path}/take")[0] == 200
    assert "请写明" in send(line, f"{path}/answer", outcome="sold", words=" ")[2]
    assert send(line, f"{path}/answer", outcome="sold", words="已放款")[0] == 200
    back = retail.get(path).text
    assert "已办成" in back
    assert "已放款" in back
    assert "已办成" in retail.get("/collaboration").text
    assert send(line, f"{path}/answer", outcome="sold", words="again")[0] == 409
    for stranger in ("product", "strategist"):
        assert staffed.client(stranger).get(path).status_code == 404
    assert staffed.client("auditor").get("/collaboration").status_code == 403


def test_a_desk_answers_passes_on_and_the_asker_withdraws(staffed: Staffed) -> None:
    front = staffed.client(staffed.of("relationship_manager"))
    _, path, _ = send(front, "/collaboration/ask", topic="pricing", need="一年期能到 2.1% 吗")
    desk = staffed.client("product")
    assert path in desk.get("/collaboration").text
    status, where, _ = send(desk, f"{path}/pass", topic="data", words="先更正资料")
    assert (status, where) == (200, "/collaboration")
    assert desk.get(path).status_code == 404
    assert "先更正资料" in staffed.client("steward").get(path).text
    assert send(front, f"{path}/add", words="客户在柜面")[0] == 200
    status, _, text = send(front, f"{path}/withdraw", words="已解决")
    assert status == 200
    assert "已撤回" in text


def test_the_api_asks_once_however_often_it_is_sent(staffed: Staffed) -> None:
    api = staffed.api(staffed.of("relationship_manager"))
    body = {"topic": "wording", "need": "这句话可以说吗"}
    first, again = (
        api.post("/api/v1/collaborations/ask", json=body, headers={"idempotency-key": key}) for key in ("k1", "k1")
    )
    other = api.post("/api/v1/collaborations/ask", json=body, headers={"idempotency-key": "k2"})
    assert [one.status_code for one in (first, again, other)] == [201, 201, 201]
    number = first.json()["request_id"]
    assert {again.json()["request_id"], other.json()["request_id"]} == {number}
    desk = staffed.api("compliance")
    here = f"/api/v1/collaborations/{number}"
    assert number in {one["request_id"] for one in desk.get("/api/v1/collaborations").json()["received"]}
    assert desk.post(f"{here}/take", headers={"idempotency-key": "t"}).json()["task"]["state"] == "ACCEPTED"
    done = desk.post(
        f"{here}/answer", json={"outcome": "done", "words": "可以"}, headers={"idempotency-key": "a"}
    ).json()
    assert done["task"]["state"] == "DONE"
    assert api.get(here).json()["events"][-1]["note"] == "可以"
    unknown = {"topic": "corporate_loan", "about_no": "NOBODY", "need": "x", "company": "x", "agreed": True}
    refused = api.post("/api/v1/collaborations/refer", json=unknown, headers={"idempotency-key": "r"})
    assert (refused.status_code, refused.json()["code"]) == (404, "collaboration.no_customer")
    assert staffed.api("auditor").get("/api/v1/collaborations").status_code == 403
