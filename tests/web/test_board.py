"""Every head-office number comes apart exactly: branches, sub-branches, managers, and as many rows as it says."""

from __future__ import annotations

import re

import pytest

from bankloop.organization.principals import system
from bankloop.store.contracts import Principal
from bankloop.web.pages.board.page import board_page, board_rows, decomposed
from bankloop.web.shell.console import Console
from tests.web.conftest import Staffed

GROUP = ("treated", "contacted", "responded", "converted")


@pytest.fixture(scope="module")
def console(staffed: Staffed) -> Console:
    found: Console = staffed.app.state.console
    return found


def number(words: str) -> int:
    return int(words.replace(",", ""))


@pytest.mark.capability("A14")
def test_converted_is_the_sum_of_the_branches_and_the_length_of_its_list(console: Console) -> None:
    who = system()
    name = console.latest_readings()[0].campaign
    seen = 0
    for column, group in enumerate(GROUP, 1):
        whole = decomposed(console, who, name, 1, "branch", {}).table.rows
        total = number(whole[-1][column].text.zh)
        assert total == sum(number(row[column].text.zh) for row in whole[:-1])
        rows = board_rows(console, who, name, 1, group, {}, 1)
        assert rows.total == total
        listed = sum(
            len(board_rows(console, who, name, 1, group, {}, page).table.rows) for page in range(1, rows.pages + 1)
        )
        assert listed == total
        seen += total
    assert seen > 0
    # Down one branch to the managers, and to the customers of each.
    branches = decomposed(console, who, name, 1, "branch", {}).table.rows
    top = next(row for row in branches[:-1] if number(row[4].text.zh))
    branch = re.search(r"branch=([^&]+)", top[0].drill or "")
    assert branch is not None
    place = {"branch": branch[1]}
    subs = decomposed(console, who, name, 1, "sub_branch", place).table.rows
    assert number(subs[-1][4].text.zh) == number(top[4].text.zh)
    found = 0
    for row in subs[:-1]:
        below = {**place, "sub_branch": re.search(r"sub_branch=([^&]*)", row[0].drill or "")[1]}  # type: ignore[index]
        managers = decomposed(console, who, name, 1, "manager", below).table.rows
        assert number(managers[-1][4].text.zh) == number(row[4].text.zh)
        for one in managers[:-1]:
            link = one[4].drill
            if link:
                manager = re.search(r"manager=([^&]*)", link)[1]  # type: ignore[index]
                found += board_rows(console, who, name, 1, "converted", {**below, "manager": manager}, 1).total
    assert found == number(top[4].text.zh)


def test_a_branch_sees_its_own_part_alone(staffed: Staffed, console: Console) -> None:
    client = staffed.client(staffed.of("branch_commander"))
    page = client.get("/board")
    assert page.status_code == 200
    name = console.latest_readings()[0].campaign
    with staffed.small.open.store.begin(system()) as connection:
        from bankloop.organization.rights import principal_for

        mine: Principal = principal_for(connection, staffed.of("branch_commander"), "tasks")
    own = decomposed(console, mine, name, 1, "branch", {}).table.rows
    whole = decomposed(console, system(), name, 1, "branch", {}).table.rows
    assert 0 < number(own[-1][1].text.zh) < number(whole[-1][1].text.zh)


def test_each_figure_on_the_page_leads_to_as_many_rows(staffed: Staffed, console: Console) -> None:
    client = staffed.client("strategist")
    name = console.latest_readings()[0].campaign
    page = client.get(f"/board/{name}/1").text
    links = re.findall(r'href="(/board/[^"]+/rows\?[^"]+)">([\d,]+)</a>', page)
    assert links
    for address, shown in links[:8]:
        assert f'class="answer">{shown} ' in client.get(address.replace("&amp;", "&")).text
    assert client.get("/board/no-such/1").status_code == 404
    assert client.get(f"/board/{name}/1?by=galaxy").status_code == 404
    assert staffed.client("sysadmin").get("/board").status_code == 403
    assert len(board_page(console, system()).table.rows) == len({one.campaign for one in console.latest_readings()})
