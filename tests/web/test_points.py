"""Points on their pages, through the API and by command: given, spent, given back, and every entry found in the ledger."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from uuid import uuid4

import pytest

from bankloop import wiring
from bankloop.benefit.points import read_points, work_night
from bankloop.cli import ledgers, points
from bankloop.organization.principals import system
from tests.web.conftest import Staffed


def sent(staffed: Staffed, who: str, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    answer = staffed.api(staffed.of(who)).post(
        f"/api/v1/points/{path}", json=body, headers={"idempotency-key": uuid4().hex}
    )
    return answer.status_code, answer.json()


@pytest.mark.capability("E7")
def test_earn_100_burn_30_reverse_30_on_the_page_and_the_ledger_is_right(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = staffed.client("strategist")
    number = staffed.own_customer(staffed.of("relationship_manager"))
    assert f'href="/customers/{number}/points"' in client.get(f"/customers/{number}").text
    assert 'href="/points"' in client.get("/").text
    place = client.get("/points", params={"customer": number}, follow_redirects=False).headers["location"]
    page = client.get(place).text
    assert "还没有积分" in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None

    def act(what: str, **form: str) -> int:
        return client.post(f"{place}/{what}", data={"csrf": csrf[1], **form}, follow_redirects=False).status_code

    assert act("give", key="gift-1", points="100", reason="开户礼") == 303
    assert act("spend", key="coffee-1", points="130", reason="咖啡") == 409
    assert act("spend", key="coffee-1", points="30", reason="咖啡") == 303
    assert act("give_back", key="cold-1", of="nothing", points="30", reason="凉了") == 404
    assert act("give_back", key="cold-1", of="coffee-1", points="0.5", reason="凉了") == 400
    assert act("give_back", key="cold-1", of="coffee-1", points="30", reason="凉了") == 303
    assert act("borrow") == 400
    shown = client.get(place).text
    assert re.search(r"可用积分</dt>\s*<dd class=\"v\">100</dd>", shown)
    assert number not in re.sub(r'(href|action)="[^"]*"', "", shown)  # masked wherever it is read
    monkeypatch.setattr(wiring, "open_bank", lambda folder, clock: nullcontext(staffed.small.open))
    folder = staffed.small.open.folder
    points.night(folder, "strategist", True)
    report = client.get("/points").text
    assert "账本是平的" in report
    assert "各月发放" in report
    capsys.readouterr()
    ledgers.check(folder, "strategist", True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["right"]
    ledgers.statement_(f"points/wallet/{number}", folder, "strategist", True)
    entries = json.loads(capsys.readouterr().out.splitlines()[-1])["entries"]
    assert [one["change"] for one in entries] == [30, -30, 100]
    points.show(number, folder, "strategist", True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["available"] == 100


def test_the_api_does_each_once_and_says_what_there_is(staffed: Staffed) -> None:
    number = staffed.own_customer(staffed.of("relationship_manager"))
    gift = {"key": "api-gift", "points": 40, "reason": "stay", "issuer": "hotel"}
    before = staffed.api("strategist").get(f"/api/v1/points/{number}").json()["available"]
    for _ in range(2):
        status, found = sent(staffed, "hq_strategist", f"{number}/earnings", gift)
        assert (status, found["available"]) == (201, before + 40)
    status, found = sent(staffed, "hq_strategist", f"{number}/earnings", {**gift, "points": 41})
    assert (status, found["code"]) == (409, "points.other_content")
    status, found = sent(staffed, "hq_strategist", f"{number}/spendings", {"key": "api-s", "points": 5, "reason": "x"})
    assert (status, found["available"]) == (201, before + 35)
    back = {"key": "api-b", "points": 2, "reason": "x"}
    status, found = sent(staffed, "hq_strategist", f"{number}/spendings/api-s/returns", back)
    assert (status, found["available"]) == (200, before + 37)
    status, found = sent(staffed, "hq_strategist", f"{number}/earnings/api-gift/reversal", {"reason": "cancelled"})
    assert status == 200
    assert number not in json.dumps(found)
    bank = staffed.small.open
    work_night(bank.store, system("points"), bank.lake, read_points(bank.folder), bank.lake.today())
    owed = staffed.api("strategist").get("/api/v1/points").json()
    assert owed["made_at"]
    # What the partner issued was taken back: there is nothing to clear.
    assert (owed["figures"]["wrong"], owed["figures"]["issued_by"]["hotel"]) == ([], 0)


def test_who_may_not_gives_none_and_sees_the_own_customers_alone(staffed: Staffed) -> None:
    manager = staffed.of("relationship_manager")
    own = staffed.own_customer(manager)
    assert staffed.api(manager).get(f"/api/v1/points/{own}").status_code == 200
    assert staffed.api(manager).get("/api/v1/points").status_code == 403
    assert staffed.api(manager).get("/api/v1/points/C99999999").status_code == 404
    gift = {"key": "own-gift", "points": 40, "reason": "for me"}
    assert sent(staffed, "relationship_manager", f"{own}/earnings", gift)[0] == 403
    page = staffed.client(manager).get(f"/customers/{own}/points").text
    assert "<form" not in page.split("<main", 1)[1]
    assert staffed.client("secadmin").get("/points").status_code == 403
    # Who opens no customer is not asked for one.
    assert 'name="customer"' in staffed.client(manager).get("/points").text
    assert 'name="customer"' not in staffed.client("benefit").get("/points").text


def test_the_ledger_through_the_api(staffed: Staffed) -> None:
    number = staffed.own_customer(staffed.of("relationship_manager"))
    status, _ = sent(staffed, "hq_strategist", f"{number}/earnings", {"key": "api-l", "points": 3, "reason": "x"})
    assert status == 201
    reader, closer = staffed.api("strategist"), staffed.api(staffed.of("benefit_owner"))
    assert reader.get("/api/v1/ledger/check").json() == {"right": True, "wrong": []}
    held = {
        one["account"]: one["posted"] for one in reader.get("/api/v1/ledger/accounts?begin=points/").json()["items"]
    }
    assert sum(held.values()) == 0
    wallet = f"points/wallet/{number}"
    (newest, *_) = reader.get("/api/v1/ledger/entries", params={"account": wallet}).json()["items"]
    assert (newest["change"], newest["balance"]) == (3, held[wallet])
    key = {"idempotency-key": uuid4().hex}
    refused = closer.post("/api/v1/ledger/close", json={"account": wallet}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "ledger.not_empty")
    assert reader.post("/api/v1/ledger/close", json={"account": wallet}, headers=key).status_code == 403
    assert staffed.api("secadmin").get("/api/v1/ledger/check").status_code == 403
