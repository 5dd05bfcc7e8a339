"""Effects by motive: the results' page is narrowed to the campaigns of one."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import Staffed


@pytest.mark.capability("E15")
def test_the_results_are_narrowed_to_a_motive(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    whole = client.get("/results").text
    campaigns = staffed.small.open.spec.campaigns
    by_motive = {one.motive: one.title.text.zh for one in campaigns.values()}
    table = whole.split("按动机比较", 1)[1].split("</section>", 1)[0]
    assert table.count('<th scope="row">') == len(by_motive)
    # Each motive's lift is of its own campaign alone.
    of_motive = re.findall(r'<th scope="row">.*?</th>\s*<td[^>]*>(.*?)</td>', table, re.DOTALL)
    assert {re.sub(r"<[^>]+>", "", one).strip() for one in of_motive} <= {*by_motive.values(), "—"}
    for motive, title in by_motive.items():
        assert f'href="/results?motive={motive}"' in whole
        narrowed = client.get(f"/results?motive={motive}")
        assert narrowed.status_code == 200
        main = narrowed.text.split('id="main"', 1)[1]
        assert title in main
        # The menu names every campaign; the page tells of this motive's alone.
        assert not any(other in main for other in by_motive.values() if other != title)
    assert client.get("/results?motive=nothing").status_code == 404
