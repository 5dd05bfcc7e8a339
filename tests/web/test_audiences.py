"""Audiences and segments on their pages: counted as the plan counts, masked, saved, planned, activated; quick in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import axe_playwright_python
import numpy as np
import pytest

from bankloop.customer.segment import segments
from bankloop.kit.errors import NotFoundError
from bankloop.loop import run as loop
from bankloop.loop.membership.members import look_at, memberships, overlaps
from bankloop.loop.spec.batch import conditions
from bankloop.organization.principals import system
from bankloop.web.shell.console import Console
from tests.bankfixture import ROUND
from tests.web.conftest import Staffed, listening
from tests.web.test_browser import listen, walk

PLAN = {"title": "年轻客户月度关怀", "owner": "B001", "does": "每月一次电话，先讲定投"}


def proof(client: Any, path: str = "/audiences") -> str:
    return str(client.get(path).text.split('name="csrf" value="', 1)[1].split('"', 1)[0])


def saved(client: Any, name: str, rule: str) -> Any:
    given = {"csrf": proof(client), "name": name, "title_zh": f"{name}客群", "title_en": name, "expression": rule}
    return client.post("/audiences/save", data=given)


def test_the_count_is_the_plan_s(staffed: Staffed) -> None:
    bank = staffed.small.open
    people = Console(bank).people_now()
    window = loop.plan(bank, system(), ROUND, bank.lake.today())
    for name, found in window.audiences.items():
        looked = look_at(people, window.locks[name].campaign.audience)
        assert (looked.hit, looked.usable, looked.falls) == (found.hit, found.usable, found.falls), name
        assert looked.hit - sum(fall.count for fall in looked.falls) == looked.usable
        assert looked.everybody == people.table.num_rows


def test_an_audience_on_its_page(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    looked = look_at(Console(staffed.small.open).people_now(), "age < 30 and payroll")
    page = client.get("/audiences", params={"expression": "age < 30 and payroll"})
    assert page.status_code == 200
    assert f">{looked.usable:,}<" in page.text
    assert f">{looked.hit:,}<" in page.text
    assert "无营销同意" in page.text
    sample = page.text.split("样例", 1)[1]
    assert "***" in sample  # age describes a person
    assert ">是<" in sample
    assert not re.search(r">C\d{8}<", sample)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    wrong = client.get("/audiences", params={"expression": "agee < 30"}).text
    assert "age" in wrong.split('class="refusal"', 1)[1][:300]
    hidden = client.get("/audiences/look", params={"expression": "watchlist"}).text
    assert "保密" in hidden
    assert 'class="figures"' not in hidden
    help_ = client.get("/audiences", params={"expression": "payroll and ag", "help": "1"}).text
    assert "expression=payroll+and+age+" in help_


def test_a_branch_counts_its_own(staffed: Staffed) -> None:
    console, branch = Console(staffed.small.open), staffed.of("branch_commander")
    whole, part = (
        int(re.search(r'占范围内客户</dt><dd class="v">.*?共 ([\d,]+)', staffed.client(who).get("/audiences/look", params={"expression": "age > 0"}).text, re.S)[1].replace(",", ""))
        for who in ("strategist", branch)
    )  # fmt: skip
    assert 0 < part < whole == console.people_now().table.num_rows
    assert "样例" in staffed.client(branch).get("/audiences/look", params={"expression": "age > 0"}).text
    assert staffed.client(staffed.of("security_admin")).get("/audiences").status_code == 403


def test_what_a_customer_says_counts_at_once(staffed: Staffed) -> None:
    client, console = staffed.client("strategist"), Console(staffed.small.open)
    before = look_at(console.people_now(), "age > 0")
    table = console.people_now().table
    allowed = table.filter(table["marketing_consent"])["customer_no"][0].as_py()
    page = client.get(f"/customers/{allowed}").text
    given = {
        "csrf": page.split('name="csrf" value="', 1)[1].split('"', 1)[0],
        "purpose": "marketing",
        "says": "no",
        "origin": "call",
    }
    reviewer = staffed.client(staffed.of("compliance_reviewer"))
    given["csrf"] = proof(reviewer, f"/customers/{allowed}")
    assert reviewer.post(f"/customers/{allowed}/consents", data=given).status_code == 200
    after = look_at(console.people_now(), "age > 0")
    assert after.hit == before.hit
    assert {f.code: f.count for f in after.falls}["no_consent"] == {f.code: f.count for f in before.falls}[
        "no_consent"
    ] + 1


@pytest.mark.capability("C7")
def test_a_segment_is_saved_planned_and_activated_and_without_a_plan_is_not(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    assert saved(client, "young", "age < 30").status_code == 200
    page = client.get("/segments/young").text
    assert "还没有方案" in page
    token = proof(client, "/segments/young")
    refused = client.post("/segments/young/activate", data={"csrf": token, "version": "1"})
    assert refused.status_code == 409
    assert "没有方案" in refused.text
    nobody = client.post("/segments/young/plan", data={"csrf": token, **PLAN, "owner": "ZZZ"})
    assert nobody.status_code == 404
    assert PLAN["does"] in nobody.text  # nothing that was written is lost
    owner = staffed.of("relationship_manager")
    assert client.post("/segments/young/plan", data={"csrf": token, **PLAN, "owner": owner}).status_code == 200
    assert client.post("/segments/young/activate", data={"csrf": token, "version": "1"}).status_code == 200
    with staffed.small.open.store.begin(system()) as connection:
        assert [one.name for one in segments(connection, active=True)] == ["young"]
    # Who is in it shows with its plan on the customer's page; several segments overlap on theirs.
    assert saved(client, "payroll", "payroll").status_code == 200
    console = Console(staffed.small.open)
    with staffed.small.open.store.begin(system()) as connection:
        every = segments(connection)
    people = console.people_now()
    shared = overlaps(people, every)
    young, paid = (people.meets(rule) for rule in ("age < 30", "payroll"))
    names = [one.name for one in every]
    assert shared[names.index("young"), names.index("payroll")] == int((young & paid).sum()) > 0
    assert shared[names.index("young"), names.index("young")] == int(young.sum())
    listed = client.get("/audiences").text
    assert "重叠" in listed
    assert "客群地图" in listed
    both = int(np.flatnonzero(young & paid)[0])
    row = people.table.slice(both, 1).to_pylist()[0]
    assert {one.name for one in memberships(every, row, people.catalogue, people.as_of)} == {"young", "payroll"}
    card = client.get(f"/customers/{row['customer_no']}").text
    assert PLAN["title"] in card
    assert "payroll客群" not in card  # it is not active
    assert client.post("/segments/young/retire", data={"csrf": token, "reason": "结束"}).status_code == 200
    assert PLAN["title"] not in client.get(f"/customers/{row['customer_no']}").text


def test_whom_a_condition_loses_is_told_beside_the_count(staffed: Staffed) -> None:
    people = Console(staffed.small.open).people_now()
    unknown = people.table["days_since_complaint"].null_count
    asked = {"expression": "days_since_complaint <> 5"}
    page = staffed.client("strategist").get("/audiences/look", params=asked).text
    assert unknown > 100
    assert f"不详的客户（{unknown:,} 人）不算在内" in page
    said = staffed.api("strategist").get("/api/v1/audience", params=asked).json()["warnings"]
    assert [one["en"] for one in said] == [
        f"customers whose {people.catalogue['days_since_complaint'].label.en} is not known ({unknown:,}) are not counted: what is not equal is known; add or days_since_complaint is null for them"
    ]
    thought = {"expression": "days_since_complaint <> 5 or days_since_complaint is null"}
    assert staffed.api("strategist").get("/api/v1/audience", params=thought).json()["warnings"] == []
    assert (
        "region is null"
        in staffed.client("strategist").get("/audiences/look", params={"expression": "region = ''", "lang": "en"}).text
    )


def test_segments_by_name_with_those_by_hand_on_the_page_and_in_a_campaign(staffed: Staffed) -> None:
    client, bank = staffed.client("strategist"), staffed.small.open
    people = Console(bank).people_now()
    numbers = people.table["customer_no"].to_pylist()
    old = people.meets("age >= 60 and payroll = false")
    inside, outside = (numbers[int(np.flatnonzero(mask)[0])] for mask in (old, ~old))
    assert saved(client, "named", "age >= 60 and payroll = false").status_code == 200
    assert saved(client, "naming", "segment('named') and aum > 100").status_code == 200
    by_hand = {
        "csrf": proof(client, "/segments/named"),
        "add": f" {outside}\n",
        "take_out": inside,
        "forget": "",
        "why": "支行请求",
    }
    shown = client.post("/segments/named/list", data=by_hand).text
    assert "支行请求" in shown
    assert inside not in shown.split('id="by-hand"', 1)[-1]
    assert "写原因" in client.post("/segments/named/list", data={**by_hand, "why": " "}).text
    with bank.store.begin(system()) as connection:
        found = {one.name: one for one in segments(connection)}
    members = people.members(found["named"])
    assert (members[numbers.index(outside)], members[numbers.index(inside)]) == (True, False)
    assert int(members.sum()) == int(old.sum())
    both = people.members(found["naming"])
    assert (both == (members & people.meets("aum > 100"))).all()
    counted = client.get("/audiences/look", params={"expression": "segment('naming')"}).text
    assert f">{int(both.sum()):,}<" in counted
    row = people.table.slice(numbers.index(outside), 1).to_pylist()[0]
    assert "named" in {one.name for one in memberships(list(found.values()), row, people.catalogue, people.as_of)}
    assert "named → naming → named" in saved(client, "named", "segment('naming')").text
    # A campaign takes an active segment alone, in its version of now.
    campaign = next(iter(bank.spec.campaigns.values())).model_copy(update={"audience": "segment('naming')"})
    with pytest.raises(NotFoundError):
        bank.audience(campaign)
    for name, version in (("named", "2"), ("naming", "1")):
        token = proof(client, f"/segments/{name}")
        client.post(f"/segments/{name}/plan", data={"csrf": token, **PLAN})
        client.post(f"/segments/{name}/activate", data={"csrf": token, "version": version})
    assert {name: one.version for name, one in bank.segments_named(campaign).items()} == {"named": 2, "naming": 1}
    rows = conditions(people.table, {"it": bank.audience(campaign)}, people.catalogue.types, people.as_of)["it"]
    assert (rows == both).all()
    for name in ("named", "naming"):
        client.post(f"/segments/{name}/retire", data={"csrf": token, "reason": "结束"})


def test_customers_are_put_in_by_hand_over_the_api(staffed: Staffed) -> None:
    client, number = staffed.api("strategist"), Console(staffed.small.open).people_now().table["customer_no"][3].as_py()
    rule = {"name": "hand-api", "zh": "手工", "en": "By hand", "expression": "false"}
    client.post("/api/v1/segments", json=rule, headers={"idempotency-key": uuid4().hex})

    def listed(**body: Any) -> Any:
        key = {"idempotency-key": uuid4().hex}
        return client.post("/api/v1/segments/hand-api/list", json=body, headers=key)

    made = listed(add=[number], why="asked").json()
    assert (made["version"], [one["customer_no"] for one in made["listed"]]) == (2, [number])
    assert listed(add=["NOBODY"], why="asked").status_code == 404
    assert listed(add=[number]).status_code == 422
    assert listed(forget=[number], why="over").json()["listed"] == []


def test_clusters_become_segments(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    asked = {
        "csrf": proof(client),
        "name": "life",
        "count": "3",
        "by-age": "1",
        "by-aum": "1",
        "by-login_days_30d": "1",
    }
    assert client.post("/audiences/cluster", data=asked).status_code == 200
    people = Console(staffed.small.open).people_now()
    with staffed.small.open.store.begin(system()) as connection:
        found = [one for one in segments(connection) if one.name.startswith("life-")]
    assert len(found) == 3
    masks = np.array([people.members(one) for one in found])
    assert (masks.sum(axis=0) <= 1).all()
    assert masks.sum() > 0.9 * people.table.num_rows
    row = people.table.slice(5, 1).to_pylist()[0]
    own = memberships(found, row, people.catalogue, people.as_of)
    assert [one.name for one in own] == [one.name for one, mask in zip(found, masks, strict=True) if mask[5]]
    for wrong in ({"count": "1"}, {"count": "x"}, {"by-age": "", "by-aum": "", "by-login_days_30d": ""}):
        assert client.post("/audiences/cluster", data={**asked, **wrong}).status_code == 400


def test_the_api_does_what_the_pages_do(staffed: Staffed) -> None:
    client = staffed.api("strategist")
    counted = client.get("/api/v1/audience", params={"expression": "age < 30"}).json()
    assert counted["hit"] - sum(one["count"] for one in counted["falls"]) == counted["usable"] > 0
    assert client.get("/api/v1/audience", params={"expression": "frozen"}).status_code == 403
    once = {"idempotency-key": uuid4().hex}
    rule = {"name": "by-api", "zh": "接口", "en": "By API", "expression": "age < 30"}
    first, again = (client.post("/api/v1/segments", json=rule, headers=once) for _ in range(2))
    assert (first.status_code, first.json()["version"], again.json()) == (201, 1, first.json())

    def post(act: str, body: dict[str, Any]) -> Any:
        return client.post(f"/api/v1/segments/{act}", json=body, headers={"idempotency-key": uuid4().hex})

    assert post("by-api/activate", {"version": 1}).json()["code"] == "segment.no_plan"
    assert post("by-api/plan", {"version": 1, **PLAN}).json()["plan"]["owner"] == "B001"
    assert post("by-api/activate", {"version": 1}).json()["active_from"]
    assert post("by-api/retire", {"reason": "over"}).json()["active_to"]
    assert len(client.get("/api/v1/segments/by-api").json()["versions"]) == 1
    learned = post("cluster", {"name": "api", "count": 2, "attributes": ["age", "aum"]})
    assert [one["name"] for one in learned.json()["segments"]] == ["api-1", "api-2"]
    assert post("cluster", {"name": "api", "count": 2, "attributes": ["nothing"]}).status_code == 404
    assert "by-api" in [one["name"] for one in client.get("/api/v1/segments").json()["items"]]


@pytest.fixture(scope="module")
def address(staffed: Staffed) -> Iterator[str]:
    with listening(staffed.app, alive=True) as found:
        yield found


def window(chromium: Any, address: str, staffed: Staffed, *, scripts: bool, width: int = 1440, lang: str = "zh") -> Any:
    context = chromium.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 900})
    session = {"name": "session", "value": staffed.token("strategist"), "url": address}
    context.add_cookies([session, {"name": "language", "value": lang, "url": address}])
    return context.new_page()


@pytest.mark.browser
def test_the_editor_completes_and_counts_as_one_writes(chromium: Any, address: str, staffed: Staffed) -> None:
    page = window(chromium, address, staffed, scripts=True)
    said, asked = listen(page)
    page.goto(address + "/audiences")
    page.click("#expression")
    page.keyboard.type("payro")
    page.wait_for_selector("#completions:not([hidden]) [aria-selected=true] code:text-is('payroll')")
    page.keyboard.press("Tab")
    page.keyboard.type("and 年")
    page.wait_for_selector("#completions:not([hidden]) code:text-is('age')")
    page.locator("#completions code:text-is('age')").click()
    page.keyboard.type("< 30")
    assert page.input_value("#expression") == "payroll and age < 30"
    usable = look_at(Console(staffed.small.open).people_now(), "payroll and age < 30").usable
    page.wait_for_selector(f"#look dd.v:text-is('{usable:,}')")
    assert page.input_value("#saved-expression") == "payroll and age < 30"
    page.keyboard.type(" and")
    page.wait_for_selector("#look .refusal")
    assert said == []
    assert all(url.startswith(address) for url in asked)
    page.context.close()


@pytest.mark.browser
def test_a_segment_s_whole_story_without_scripts(chromium: Any, address: str, staffed: Staffed) -> None:
    page = window(chromium, address, staffed, scripts=False, width=390)
    page.goto(address + "/audiences")
    page.fill("#expression", "tenure_da")
    page.click("button[name=help]")
    page.click("ul.chips a:has-text('tenure_days')")
    page.fill("#expression", page.input_value("#expression") + "> 3650")
    page.click("form.whole button:not([name])")
    assert page.locator("#look .figures").count() == 1
    page.fill("#s-name", "loyal")
    page.fill("#s-zh", "十年老客户")
    page.fill("#s-en", "Ten years with us")
    page.click("#saving button")
    page.fill("#p-title", "老客户答谢")
    page.fill("#p-owner", "B001")
    page.fill("#p-does", "生日致电")
    page.click("main button:has-text('写明方案')")
    page.click("main button:has-text('启用这一版')")
    assert page.locator("h1").inner_text() == "十年老客户"
    assert page.locator("main .tag.good").count() == 1
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "lang"), [(1440, "zh"), (390, "en")])
def test_the_pages_fit_and_can_be_walked(chromium: Any, address: str, staffed: Staffed, width: int, lang: str) -> None:
    saved(staffed.client("strategist"), "walked", "age >= 60")
    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    page = window(chromium, address, staffed, scripts=True, width=width, lang=lang)
    said, _ = listen(page)
    for path in (
        "/audiences",
        "/audiences?expression=age+%3C+30&help=1",
        "/segments/walked",
        "/attributes",
        "/attributes/age",
    ):
        walk(page, address + path, path, axe)
    assert said == []
    page.context.close()
