"""Programme, plays, trace, cuts and files, as the console serves them."""

from __future__ import annotations

import io
import json
import re
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pyarrow.compute as pc
import pytest

from bankloop.cli import results as commands
from bankloop.contact.queries import accepted_contacts
from bankloop.kit.errors import InputError, NotFoundError
from bankloop.loop.round.labels import round_outcomes
from bankloop.loop.round.reading import cut_by
from bankloop.loop.round.trace import trace
from bankloop.organization.principals import system
from bankloop.performance.cohorts import acquisition
from bankloop.performance.growth import programme_growth
from bankloop.performance.scorecard import scorecard
from bankloop.store.contracts import Principal
from bankloop.store.history import read_decisions
from bankloop.view import format as say
from tests.bankfixture import SmallBank
from tests.web.conftest import Staffed


def said(body: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body.split("<main", 1)[1]))


def test_the_programme_page_says_gross_holdout_and_net(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    client.cookies.set("language", "en")
    page = said(client.get("/programme").text)
    assert "Retail growth" in page
    assert "The holdout grew" in page
    assert "Progress to the target of 8%" in page
    assert client.get("/programme?name=retail").status_code == 404
    assert client.get("/programme?metric=cross_sell").status_code == 409
    assert client.get("/programme?metric=customers").status_code == 200


@pytest.mark.capability("A26")
def test_a_programme_grows_from_what_its_customers_had_on_the_eve_of_its_window(staffed: Staffed) -> None:
    bank, client = staffed.small.open, staffed.client("strategist")
    client.cookies.set("language", "en")
    eve = min(one.as_of for one in bank.lake.manifest.versions("holding"))
    written = (bank.folder / "programmes" / "retail-growth.yaml").read_text(encoding="utf-8")
    begun = re.sub(
        r"from: [0-9-]+", f"from: {eve + timedelta(days=1)}", written.replace("retail-growth", "from-the-eve")
    )
    own = bank.folder / "programmes" / "from-the-eve.yaml"
    own.write_text(begun, encoding="utf-8")
    try:
        page = said(client.get("/programme?name=from-the-eve").text)
        growth = programme_growth(bank, system(), "from-the-eve", bank.lake.today())
    finally:
        own.unlink()
    with bank.store.begin(system()) as connection:
        decided = read_decisions(connection, sorted(staffed.small.window.locks), 1).to_pylist()
    people = {row["customer_no"] for row in decided if row["cell"] not in ("exempt", "holdout")}
    held = [bank.state(day).table for day in (eve, growth.as_of)]
    before, now = (
        sum(aum for no, aum in zip(one["customer_no"].to_pylist(), one["aum"].to_pylist(), strict=True) if no in people)
        for one in held
    )
    assert before != now
    assert (growth.growth.baseline, growth.growth.now, growth.baseline_on) == (before, now, eve)
    assert growth.growth.gross == now / before - 1
    assert f"Baseline ({eve}) {say.money(before).en}" in page
    assert f"{say.money(now).en}" in page


@pytest.mark.capability("A15")
def test_plays_filtered_by_journey_show_owner_and_last_kpi(staffed: Staffed) -> None:
    """Filter 旅程=流失挽回 → the use cases with their owner and last KPI."""
    client = staffed.client("strategist")
    page = said(client.get("/plays", params={"journey": "流失挽回"}).text)
    assert "定存到期承接" in page
    assert "绑卡促活" not in page
    assert " retail " in page
    assert re.search(r"[+−]\d+\.\d\d \[[+−]\d+\.\d\d, [+−]\d+\.\d\d\]", page)
    assert "在哪里挣了多少" in page
    nothing = said(client.get("/plays", params={"scene": "no such scene"}).text)
    assert "0 个策略" in nothing
    product = said(client.get("/plays", params={"product": "wealth-fixed-income"}).text)
    assert "代发客户首购理财" in product


def converted(small: SmallBank) -> tuple[str, str]:
    """A decision whose contact went out and whose customer reached the goal: its id, and its customer."""
    with small.open.store.begin(system()) as connection:
        decided = read_decisions(connection, ["bind-card"], 1)
        went = decided.filter(pc.is_in(decided["decision_id"], accepted_contacts(connection, "bind-card")))
        _, outcomes = round_outcomes(small.open, connection, "bind-card", 1)
    for number, customer in zip(went["decision_id"].to_pylist(), went["customer_no"].to_pylist(), strict=True):
        found = trace(small.open, system(), number)
        if found.conversion is not None:
            return number, customer
    raise AssertionError(outcomes)


@pytest.mark.capability("C14")
def test_a_conversion_is_traced_to_contact_segment_and_model_version(staffed: Staffed) -> None:
    small = staffed.small
    number, customer = converted(small)
    found = trace(small.open, system(), number)
    goal = found.conversion
    assert goal is not None
    assert found.contact is not None
    assert found.contact.accepted
    assert found.segment == small.window.audiences["bind-card"].digest
    assert [(one.model_id, one.version) for one in found.models] == [("bind-card", 1)]
    again = trace(small.open, system(), f"{goal.source}/{goal.event_id}")
    assert again.customer_no == customer
    assert again.campaign == "bind-card"
    page = said(staffed.client("strategist").get("/trace", params={"id": number}).text)
    for words in (goal.type, found.contact.channel, found.segment[:16], "bind-card v1"):
        assert words in page
    assert customer not in page


def test_whose_customer_it_is_not_learns_nothing_of_the_trace(staffed: Staffed) -> None:
    small = staffed.small
    number, _ = converted(small)
    outsider = Principal("somebody", units=("B999",), purpose="service")
    with pytest.raises(NotFoundError, match="not yours to see"):
        trace(small.open, outsider, number)
    for nonsense in ("", "x", str(UUID(int=1)), "source/1", "source/x", "'; drop table event; --"):
        with pytest.raises(NotFoundError):
            trace(small.open, system(), nonsense)
    assert staffed.client("strategist").get("/trace?id=nonsense").status_code == 404
    assert staffed.client("secadmin").get(f"/trace?id={number}").status_code == 403


def test_a_reading_is_cut_down_to_the_manager_and_its_rows_add_up(staffed: Staffed) -> None:
    client, small = staffed.client("strategist"), staffed.small
    reading = small.story.rounds[0][0].reading
    for dimension in ("branch", "sub_branch", "manager"):
        assert client.get(f"/results/bind-card/1/by/{dimension}").status_code == 200
        cuts = cut_by(small.open, system(), "bind-card", [1], dimension)
        assert sum(cut.treated for cut in cuts) == reading.treated
    assert client.get("/results/bind-card/1/by/shoe").status_code == 404
    assert client.get("/results/nobody/1/by/branch").status_code == 404
    assert "/by/manager" in client.get("/results").text


@pytest.mark.parametrize("what", ["results", "programme", "metrics", "plays"])
def test_each_is_taken_away_as_workbook_page_and_json(staffed: Staffed, what: str) -> None:
    client = staffed.client("strategist")
    sheet = client.get(f"/save/{what}.xlsx")
    assert sheet.status_code == 200
    made = openpyxl.load_workbook(io.BytesIO(sheet.content))
    assert len(made.sheetnames) > 1
    assert all(cell.data_type != "f" for one in made for row in one.iter_rows() for cell in row)
    page = client.get(f"/save/{what}.html")
    assert page.text.startswith("<!doctype html>")
    assert not re.search(r"""(?:src|href)=["']""", page.text)
    assert json.loads(client.get(f"/save/{what}.json").content)["name"] == what
    assert client.get(f"/save/{what}.exe").status_code == 404
    assert staffed.client("secadmin").get(f"/save/{what}.xlsx").status_code == 403


def test_metrics_have_cost_by_source_and_execution(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    client.cookies.set("language", "en")
    page = said(client.get("/scorecard").text)
    assert "Journeys and retention" in page
    small = staffed.small.open
    whole = {one.metric: one for one in scorecard(small, small.lake.today(), keys=["new_customers"])}
    assert sum(one.customers for one in acquisition(small, small.lake.today())) == whole["new_customers"].above


def test_the_commands_print_one_object_and_write_files(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = staffed.small
    monkeypatch.setattr("bankloop.wiring.open_bank", lambda *_: nullcontext(small.open))
    monkeypatch.setattr(commands, "permit", lambda *_, **__: None)

    def printed() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return found

    commands.programme("retail-growth", as_json=True)
    growth = printed()
    assert growth["metric"] == "aum"
    assert {"gross", "control", "net", "baseline", "now"} <= set(growth["growth"])
    commands.plays(["旅程=流失挽回"], as_json=True)
    assert [one["owner"] for one in printed()["plays"]] == ["retail"]
    with pytest.raises(NotFoundError, match="not filtered by"):
        commands.plays(["颜色=红"], as_json=True)
    commands.cohorts(as_json=True)
    assert len(printed()["cohorts"]) == 13
    number, customer = converted(small)
    commands.trace(number, as_json=True)
    traced = printed()
    assert traced["models"][0]["version"] == 1
    assert customer not in json.dumps(traced)
    for what in ("results", "programme", "metrics", "plays"):
        for kind in ("xlsx", "html", "json"):
            commands.save(what, tmp_path / f"{what}.{kind}", as_json=True)
            assert printed()["tables"] > 0
    with pytest.raises(InputError, match="cannot write"):
        commands.save("results", tmp_path / "results.exe")


def test_the_plan_is_measured_beside_the_bank_s_own_rules(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    for language, caption, word in (
        ("zh", "方案与自己的规则：实测", "这个规模"),
        ("en", "The plan and your own rules, measured", "at this size"),
    ):
        client.cookies.set("language", language)
        page = said(client.get("/results").text)
        assert caption in page
        assert word in page.partition(caption)[2]
    assert "方案与自己的规则：实测" in client.get("/save/results.html").text
    kept = json.loads(client.get("/save/results.json").content)["tables"]["measured_rules"]
    listed = client.get("/api/v1/results?campaign=keep-deposits").json()["items"]
    rules = {one["rule"]: one for one in listed[-1]["reading"]["rules"]}
    assert {"likeliest_first", "chance_times_value", "balance_first", "not-renewing-by-balance"} == set(rules)
    assert all(one["verdict"] and one["sentence"]["zh"] and one["sentence"]["en"] for one in rules.values())
    assert len(kept["rows"]) >= len(rules)
