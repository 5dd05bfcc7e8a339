"""The cohort grid on its page is what a hand count of the lake gives."""

from __future__ import annotations

import re
from datetime import timedelta

from bankloop.kit.clock import local_moment
from bankloop.lake.contracts import Scope
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


def test_the_grid_of_the_scorecard_is_the_lake_counted_by_hand(staffed: Staffed) -> None:
    bank = staffed.small.open
    newest = min(bank.lake.today(), max(one.as_of for one in bank.lake.manifest.versions("customer")))
    until = local_moment(newest + timedelta(days=1), 0, 0, bank.lake.zone)
    with bank.lake.connection(Scope.whole_bank("analysis")) as engine:
        active = {
            (month, later): count for month, later, count in engine.execute(_BY_HAND, {"until": until}).fetchall()
        }
        came = dict(engine.execute(_CAME).fetchall())
    client = staffed.client("strategist")
    assert 'href="/scorecard"' in client.get("/").text
    page = client.get("/scorecard").text
    grid = page.split("留存：按开户月", 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in grid.split("</tr>")]
    shown = {row[0].strip(): [re.sub(r"<svg.*?</svg>|<[^>]+>", "", cell, flags=re.S).strip() for cell in row[1:]] for row in rows if row}  # fmt: skip
    assert max(shown) == f"{newest:%Y-%m}"
    assert any(count for (month, later), count in active.items() if month in shown and later)
    for month, cells in shown.items():
        assert cells[0] == say.count(came.get(month, 0)).zh
        for later, cell in enumerate(cells[1:]):
            if cell != "—":
                assert cell == say.percent(active.get((month, later), 0) / came[month], 0).zh, (month, later)
