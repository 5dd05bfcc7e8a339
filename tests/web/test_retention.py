"""The cohort grid on its page is what a hand count of the lake gives."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from bankloop.kit.clock import local_moment
from bankloop.lake.contracts import Scope
from bankloop.organization.principals import system
from bankloop.organization.rights import principal_for
from bankloop.performance.scorecard import metrics_of, scorecard
from bankloop.report.scorecard import said
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.view import format as say
from tests.web.conftest import Staffed

# Of who opened in a month, how many logged in so many months on.
_BY_HAND = """
WITH opened AS (SELECT customer_no, date_trunc('month', opened_on)::DATE AS month FROM customer),
seen AS (SELECT DISTINCT customer_no, date_trunc('month', (occurred_at AT TIME ZONE 'Asia/Shanghai'))::DATE AS month FROM event
    WHERE type = 'login' AND occurred_at < $until AND recorded_at < $until)
SELECT strftime(o.month, '%Y-%m'), date_diff('month', o.month, s.month) AS later, count(*)
FROM opened o JOIN seen s USING (customer_no) WHERE s.month >= o.month GROUP BY 1, 2
"""
_CAME = "SELECT strftime(opened_on, '%Y-%m'), count(*) FROM customer GROUP BY 1"


@pytest.mark.capability("C23")
@pytest.mark.parametrize("role", ["hq_strategist", "branch_commander"])
def test_the_grid_is_the_reader_s_customers_counted_by_hand(staffed: Staffed, role: str) -> None:
    bank = staffed.small.open
    newest = min(bank.lake.today(), max(one.as_of for one in bank.lake.manifest.versions("customer")))
    until = local_moment(newest + timedelta(days=1), 0, 0, bank.lake.zone)
    principal = principal_of(staffed, role)
    whole = EVERY_UNIT in principal.units
    with bank.lake.connection(Scope.whole_bank("analysis")) as engine:
        if not whole:
            engine.execute(
                "CREATE TEMP TABLE own AS SELECT * FROM customer WHERE list_contains($units, sub_branch_id)",
                {"units": list(principal.units)},
            )
            engine.execute("CREATE TEMP VIEW customer AS SELECT * FROM own")
        active = {
            (month, later): count for month, later, count in engine.execute(_BY_HAND, {"until": until}).fetchall()
        }
        came = dict(engine.execute(_CAME).fetchall())
    assert whole or 0 < sum(came.values()) < 6_000
    client = staffed.client(staffed.of(role))
    assert 'href="/journeys"' in client.get("/").text
    page = client.get("/journeys").text
    grid = page.split("留存：按开户月", 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in grid.split("</tr>")]
    shown = {row[0].strip(): [re.sub(r"<svg.*?</svg>|<[^>]+>", "", cell, flags=re.S).strip() for cell in row[1:]] for row in rows if row}  # fmt: skip
    assert max(shown) == f"{newest:%Y-%m}"
    assert any(count for (month, later), count in active.items() if month in shown and later)
    for month, cells in shown.items():
        if not whole and 0 < came.get(month, 0) < 10:
            assert set(cells) == {"太少", "—"}
            continue
        assert cells[0] == say.count(came.get(month, 0)).zh
        for later, cell in enumerate(cells[1:]):
            if cell != "—":
                assert cell == say.percent(active.get((month, later), 0) / came[month], 0).zh, (month, later)


def principal_of(staffed: Staffed, role: str) -> Principal:
    with staffed.small.open.store.begin(system()) as connection:
        return principal_for(connection, staffed.of(role), "tasks" if role == "branch_commander" else "analysis")


def test_page_and_api_say_the_same_and_who_reads_no_rounds_gets_neither(staffed: Staffed) -> None:
    commander = staffed.of("branch_commander")
    whole = staffed.api("strategist").get("/api/v1/cohorts").json()
    own = staffed.api(commander).get("/api/v1/cohorts").json()
    assert sum(one["customers"] for one in whole["cohorts"]) > sum(one.get("customers", 0) for one in own["cohorts"])
    assert any(one.get("too_few") for one in own["cohorts"]) or all(one["customers"] >= 10 or not one["customers"] for one in own["cohorts"])  # fmt: skip
    funnels = staffed.api("strategist").get("/api/v1/journeys").json()["journeys"]
    assert [one["journey"] for one in funnels] == ["newcomer", "wallet", "wealth"]
    for one in funnels:
        counts = [step["customers"] for step in one["steps"]]
        assert counts == sorted(counts, reverse=True)
    page = staffed.client("strategist").get("/journeys").text
    for step in funnels[0]["steps"]:
        assert say.count(step["customers"]).zh in page
    by_source = staffed.client("strategist").get("/journeys?by=source").text
    led = re.findall(r'href="(/journeys\?by=source&(?:amp;)?group=[^"]+)"', by_source)
    assert led
    assert "留存：按开户月" in staffed.client("strategist").get(html.unescape(led[0])).text
    assert staffed.client("strategist").get("/journeys?by=shoe").status_code == 404
    assert staffed.client(staffed.of("relationship_manager")).get("/journeys").status_code == 403
    assert staffed.api(staffed.of("relationship_manager")).get("/api/v1/cohorts").status_code == 403


@pytest.mark.capability("H19")
def test_the_figures_of_a_past_day_are_those_of_that_day_on_the_page_and_lead_on_to_it(staffed: Staffed) -> None:
    bank = staffed.small.open
    days = sorted({one.as_of for one in bank.lake.manifest.versions("customer")})
    past, newest = days[0], min(bank.lake.today(), days[-1])
    assert past < newest
    client = staffed.client("strategist")
    catalogue = metrics_of(bank)
    then = {one.metric: said(one, catalogue[one.metric]).zh for one in scorecard(bank, past)}
    now = {one.metric: said(one, catalogue[one.metric]).zh for one in scorecard(bank, newest)}
    assert then != now
    page = html.unescape(client.get(f"/scorecard?day={past}").text)
    for key, words in then.items():
        assert f'>{catalogue[key].title.text.zh}</a></th><td class="n">{words}</td>' in page, key
    assert f"{past} 收盘" in page
    led = re.findall(r'href="(/scorecard\?by=branch&metric=aum&[^"]*)"', page)[0]
    drilled = client.get(led).text
    branches = scorecard(bank, past, "branch", keys=["aum"])
    assert say.money(sum(one.above for one in branches)).zh in drilled
    assert f"day={past}" in drilled
    assert f"{days[0]} 收盘" in client.get("/scorecard?day=2001-01-01").text
    # 平台流量、场景推广 stand beside MAU, and every figure under its one need.
    whole = html.unescape(client.get("/scorecard").text)
    for key in ("mau", "platform_traffic", "scene_customers"):
        title = metrics_of(bank)[key].title.text.zh
        assert whole.count(f">{title}</a>") == 1
