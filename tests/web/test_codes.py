"""Channel codes by page, API and command: printed and read back, attributed to whose they are, dead with who leaves."""

from __future__ import annotations

import io
import json
import re
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import text

from bankloop import wiring
from bankloop.cli import codes as commands
from bankloop.growth.codes import codes
from bankloop.kit.errors import InputError
from bankloop.organization.people import people
from bankloop.organization.principals import auditor, system
from bankloop.store.contracts import Role
from bankloop.view.sheet import wrapped
from bankloop.web.api import codes as api
from bankloop.web.pages.codes import routes
from bankloop.web.shell.app import create_app
from tests.web.conftest import DEMO, Staffed, TestClient
from tests.web.test_audiences import proof

LATER = "2026-12-31"


def colleagues(staffed: Staffed, many: int = 2) -> list[str]:
    """So many managers of one unit, the first of them with an account."""
    own = staffed.of("relationship_manager")
    with staffed.small.open.store.begin(system()) as connection:
        known = people(connection)
        unit = next(one.unit_id for one in known if one.staff_id == own)
        others = [one.staff_id for one in known if one.unit_id == unit and one.staff_id != own]
    return [own, *others][:many]


def made(staffed: Staffed, who: str, staff_id: str, **more: Any) -> tuple[int, dict[str, Any]]:
    body = {"title": "开户有礼", "staff_id": staff_id, "until": LATER, **more}
    answer = staffed.api(who).post("/api/v1/codes", json=body, headers={"idempotency-key": uuid4().hex})
    return answer.status_code, answer.json()


def read_back(picture: bytes) -> list[str]:
    """What a phone reads on a picture."""
    return sorted(
        one.text for one in zxingcpp.read_barcodes(np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")))
    )


def scan(staffed: Staffed, address: str, agent: str = "phone") -> tuple[int, str]:
    """Open what was read, as somebody who is not signed in."""
    split = urlsplit(address)
    answer = staffed.client().get(f"{split.path}?{split.query}", headers={"user-agent": agent})
    return answer.status_code, answer.text


@pytest.mark.capability("D16")
def test_one_poster_with_two_people_s_codes_and_each_scan_is_its_own_person_s(staffed: Staffed) -> None:
    strategist, (first, second) = staffed.client("strategist"), colleagues(staffed)
    assert 'href="/codes"' in strategist.get("/").text
    found = []
    for staff_id in (first, second):
        form = {
            "csrf": proof(strategist, "/codes"), "title": "绑卡立减", "staff": staff_id, "campaign": "bind-card",
            "scene": "超市", "places": "大堂\n门口", "since": "", "until": LATER,
        }  # fmt: skip
        answer = strategist.post("/codes/make", data=form, follow_redirects=False)
        assert answer.status_code == 303
        found.append(answer.headers["location"].rsplit("/", 1)[1])
    asked = [("code", f"{found[0]}@大堂"), ("code", found[1])]
    poster = strategist.get("/codes/poster.png", params=asked)
    assert poster.headers["content-type"] == "image/png"
    addresses = read_back(poster.content)
    assert len(addresses) == len(found)
    at_the_door = next(one for one in addresses if found[0] in one)
    elsewhere = next(one for one in addresses if found[1] in one)
    for agent in ("a", "b", "b"):
        status, page = scan(staffed, at_the_door, agent)
        assert status == 200
        assert "绑卡立减" in page
        assert "/signin" not in page
    assert scan(staffed, elsewhere)[0] == 200
    assert scan(staffed, f"{elsewhere}?at=unknown")[0] == 200
    told = [staffed.api("strategist").get(f"/api/v1/codes/{code}").json() for code in found]
    assert [one["staff_id"] for one in told] == [first, second]
    assert [one["told"]["scans"] for one in told] == [3, 2]
    assert [one["told"]["devices"] for one in told] == [2, 1]
    assert [one["told"]["by_place"] for one in told] == [{"大堂": 3}, {"": 2}]
    assert [[hour["scans"] for hour in one["told"]["by_hour"]] for one in told] == [[3], [2]]
    assert told[0]["told"]["by_hour"][0]["hour"] == "2026-06-30T10:00:00+08:00"
    page = strategist.get(f"/codes/{found[0]}").text
    assert re.search(r"扫码</dt>\s*<dd class=\"v\">3</dd>", page)
    assert "大堂" in page
    assert strategist.get("/codes/poster.pdf", params=asked).content.startswith(b"%PDF")
    assert strategist.get("/codes/poster.gif", params=asked).status_code == 400


@pytest.mark.capability("F4")
def test_who_leaves_takes_their_code_along_at_once(staffed: Staffed) -> None:
    _, leaver = colleagues(staffed)
    status, found = made(staffed, "strategist", leaver)
    assert status == 201
    assert scan(staffed, found["link"])[0] == 200
    gone = text(
        "UPDATE staff_post SET valid_from = valid_from - interval '1 day', valid_to = bankloop_now() "
        "WHERE staff_id = :staff AND valid_to IS NULL"
    )
    back = text(
        "UPDATE staff_post SET valid_from = valid_from + interval '1 day', valid_to = NULL "
        "WHERE staff_id = :staff AND valid_to = bankloop_now()"
    )
    store = staffed.small.open.store
    with store.begin(system()) as connection:
        connection.execute(gone, {"staff": leaver})
    try:
        status, page = scan(staffed, found["link"])
        assert status == 410
        assert "员工已离岗" in page
        assert "开户有礼" not in page
        told = staffed.api("strategist").get(f"/api/v1/codes/{found['code']}").json()
        assert (told["state"], told["told"]["scans"], told["told"]["refused"]) == ("left", 1, {"left": 1})
        assert made(staffed, "strategist", leaver)[1]["code"] == "code.no_post"
    finally:
        with store.begin(system()) as connection:
            connection.execute(back, {"staff": leaver})
    assert scan(staffed, found["link"])[0] == 200


def test_a_manager_has_their_own_codes_and_nobody_else_s(staffed: Staffed) -> None:
    own, other = colleagues(staffed)
    assert made(staffed, own, own)[0] == 201
    status, refused = made(staffed, own, other)
    assert (status, refused["code"]) == (403, "code.scope")
    theirs = made(staffed, "strategist", other)[1]["code"]
    assert {one["staff_id"] for one in staffed.api(own).get("/api/v1/codes").json()["items"]} == {own}
    assert staffed.client(own).get(f"/codes/{theirs}").status_code == 404
    headers = {"idempotency-key": uuid4().hex}
    end = f"/api/v1/codes/{theirs}/revocation"
    assert staffed.api(own).post(end, json={"reason": "mine now"}, headers=headers).status_code == 404
    head = staffed.of("sub_branch_head")
    seen = {one["staff_id"] for one in staffed.api(head).get("/api/v1/codes").json()["items"]}
    with staffed.small.open.store.begin(system()) as connection:
        units = {one.staff_id: one.unit_id for one in people(connection)}
    assert len({units[one] for one in seen}) <= 1
    assert staffed.client("benefit").get("/codes").status_code == 403


def test_a_link_is_the_bank_s_or_nothing_and_what_ended_lets_nobody_in(staffed: Staffed) -> None:
    own = colleagues(staffed)[0]
    one, other = (made(staffed, "strategist", own)[1] for _ in range(2))
    path, signed = one["link"][: -len("abcdefgh")], one["link"][-len("abcdefgh") :]
    assert one["link"].startswith(f"/c/{one['code']}")
    for forged in (
        f"{path}{'a' * len(signed)}",
        other["link"][:-8] + signed,
        path,
        f"{path}{signed}x",
        "/c/%00",
        "/c/银行",
    ):
        assert staffed.client().get(forged).status_code == 404, forged
    assert staffed.client().get(one["link"].upper().replace("/C/", "/c/")).status_code == 200  # typed from paper
    today = staffed.small.open.lake.today()
    ahead = made(staffed, "strategist", own, since=f"{today + timedelta(days=3)}")[1]
    assert scan(staffed, ahead["link"])[0] == 410
    client = staffed.client("strategist")
    form = {"csrf": proof(client, f"/codes/{one['code']}"), "reason": " "}
    assert client.post(f"/codes/{one['code']}/revoke", data=form).status_code == 400
    form["reason"] = "海报印错"
    assert client.post(f"/codes/{one['code']}/revoke", data=form, follow_redirects=False).status_code == 303
    assert client.post(f"/codes/{one['code']}/revoke", data=form).status_code == 409
    status, page = scan(staffed, one["link"])
    assert (status, "已作废" in page, "海报印错" in page) == (410, True, False)
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        rows = text("SELECT verb, reason FROM audit WHERE object_id = :code ORDER BY verb")
        trail = [tuple(row) for row in connection.execute(rows, {"code": one["code"]})]
    assert trail == [("channel_code.make", ""), ("channel_code.revoke", "海报印错")]


def test_what_cannot_be_a_code_is_refused_by_name(staffed: Staffed) -> None:
    own = colleagues(staffed)[0]
    day = f"{staffed.small.open.lake.today() - timedelta(days=1)}"
    for more, code in (
        ({"title": "  "}, "code.title"), ({"title": "长" * 81}, "code.title"), ({"campaign": "bind-cart"}, "code.campaign"),
        ({"scene": "a\u202eb"}, "code.scene"), ({"places": ["大堂", "大堂"]}, "code.places"), ({"places": [""]}, "code.places"),
        ({"places": [f"{n}" for n in range(21)]}, "code.places"), ({"since": day}, "code.days"), ({"until": day}, "code.days"),
        ({"until": "2099-01-01"}, "code.days"),
    ):  # fmt: skip
        status, told = made(staffed, "strategist", own, **more)
        assert (status, told["code"]) == (400, code), more
    assert made(staffed, "strategist", own, since="9999-06-01", until="9999-12-31")[0] == 422
    assert made(staffed, "strategist", "nobody")[0] == 404
    client = staffed.client("strategist")
    form = {"csrf": proof(client, "/codes"), "title": "礼", "staff": own, "until": "2026-13-01", "places": "大堂"}
    kept = client.post("/codes/make", data=form)
    assert kept.status_code == 400
    assert "大堂</textarea>" in kept.text


def test_who_moves_keeps_their_codes_and_who_leads_the_old_place_sees_them_too(staffed: Staffed) -> None:
    own = colleagues(staffed)[0]
    code = made(staffed, own, own)[1]["code"]
    with staffed.small.open.store.begin(system()) as connection:
        connection.execute(text("UPDATE channel_code SET unit_id = 'ELSEWHERE' WHERE code = :code"), {"code": code})
    assert staffed.client(own).get(f"/codes/{code}").status_code == 200
    assert staffed.client(staffed.of("sub_branch_head")).get(f"/codes/{code}").status_code == 404


def test_a_list_of_codes_goes_on_and_a_poster_says_what_it_lacks(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, client = colleagues(staffed)[0], staffed.client("strategist")
    names = {made(staffed, "strategist", own, places=["大堂"])[1]["code"] for _ in range(3)}
    for module in (api, routes):
        monkeypatch.setattr(module, "MOST_LISTED", 2)
        monkeypatch.setattr(module, "codes", lambda *given, **named: codes(*given, **{**named, "limit": 2}))
    assert 'rel="next" href="/codes?skip=2"' in client.get("/codes").text
    seen, skip = set[str](), 0
    while skip is not None:
        answer = staffed.api("strategist").get("/api/v1/codes", params={"staff_id": own, "skip": skip}).json()
        seen |= {one["code"] for one in answer["items"]}
        skip = answer["next"]
    assert names <= seen
    one = min(names)
    for asked in ([], [("code", one)] * 13, [("code", f"{one}@nowhere")]):
        assert client.get("/codes/poster.svg", params=asked).status_code == 400, asked
    assert client.get("/codes/poster.svg", params=[("code", "aaaaaaaa")]).status_code == 404


def test_no_line_of_a_poster_leaves_its_card() -> None:
    assert wrapped("W" * 80, 200, 17) == ["W" * 21] * 3 + ["W" * 17]
    assert "".join(wrapped("绑卡" * 20 + "WWWWWWWWWWWWWWWWWWWWWWWWWW", 100, 10)) == "绑卡" * 20 + "W" * 26


def test_scans_by_a_machine_are_no_more_than_anybody_s_requests(staffed: Staffed) -> None:
    found = made(staffed, "strategist", colleagues(staffed)[0])[1]
    app = create_app(lambda: nullcontext(staffed.small.open), DEMO, rates=("20/minute", "3/minute"))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.9", 50_000)) as client:
        answers = [client.get(found["link"]).status_code for _ in range(9)]
    assert answers == [200] * 3 + [429] * 6
    told = staffed.api("strategist").get(f"/api/v1/codes/{found['code']}").json()["told"]
    assert (told["scans"], told["devices"]) == (3, 1)


def test_by_command_a_code_is_made_printed_scanned_and_revoked(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(wiring, "open_bank", lambda folder, clock: nullcontext(staffed.small.open))
    folder, own = staffed.small.open.folder, colleagues(staffed)[0]

    def said() -> dict[str, Any]:
        return json.loads(capsys.readouterr().out.strip().rsplit("\n", 1)[-1])  # type: ignore[no-any-return]

    commands.make(
        "车主礼",
        own,
        datetime.fromisoformat(LATER),
        place=["加油站"],
        address="https://bank.example/",
        bank=folder,
        as_json=True,
    )
    found = said()
    assert found["link"].startswith(f"https://bank.example/c/{found['code']}")
    out = tmp_path / "poster.png"
    commands.poster([f"{found['code']}@加油站"], out, "https://bank.example", folder, as_json=True)
    assert said()["codes"] == [found["code"]]
    [address] = read_back(out.read_bytes())
    assert scan(staffed, address)[0] == 200
    for place, where, code in (("加油站", tmp_path / "none" / "p.png", "code.folder"), ("门口", out, "code.place")):
        with pytest.raises(InputError) as refused:
            commands.poster.__wrapped__([f"{found['code']}@{place}"], where, "https://bank.example", folder)
        assert refused.value.code == code
    with pytest.raises(InputError) as refused:
        commands.poster.__wrapped__([found["code"]], out, "", folder)
    assert refused.value.code == "code.address"
    commands.scans(found["code"], folder, as_json=True)
    assert said()["by_place"] == {"加油站": 1}
    commands.listed(own, folder, as_json=True)
    assert found["code"] in {one["code"] for one in said()["codes"]}
    commands.revoke(found["code"], "撤柜", folder, as_json=True)
    assert said()["state"] == "revoked"
