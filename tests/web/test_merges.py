"""The steward's queue on the page: pairs side by side, judged with a reason, merges undone; nobody else gets there."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

from bankloop.customer.identity import candidates, link_identities, register
from bankloop.organization.principals import system
from bankloop.store.contracts import Principal
from tests.customer.conftest import person, table_of
from tests.web.conftest import Staffed, listening
from tests.web.test_browser import listen, walk

PROGRAM = Principal("system:identity", frozenset({"system"}), ("*",), "quality")


@pytest.fixture(scope="module")
def queued(staffed: Staffed) -> list[str]:
    """Two pairs that linking leaves to a steward: a name and a birth date alone."""
    records = [
        [
            person("Q1", "欧阳雪峰", phone="13800990001"),
            person("Q2", "司马云鹤", birth="1971-03-09", phone="13800990002"),
        ],
        [person("R1", "欧阳雪峰"), person("R2", "司马云鹤", birth="1971-03-09")],
    ]
    with staffed.small.open.store.begin(PROGRAM) as connection:
        for source, rows in zip(("paper", "card"), records, strict=True):
            register(connection, source, table_of(rows), date(2026, 6, 29), source)
        link_identities(connection)
    with staffed.small.open.store.begin(system()) as connection:
        return [str(one.candidate_id) for one in candidates(connection)]


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_steward_judges_pairs_side_by_side_and_undoes_a_merge(staffed: Staffed, queued: list[str]) -> None:
    client = staffed.client(staffed.of("data_steward"))
    first, second = queued
    listed = client.get("/merges").text
    assert listed.count("/merges/0") >= 2 or all(one in listed for one in queued)
    pair = client.get(f"/merges/{first}").text
    assert "138****" in pair
    assert "13800990" not in pair
    proof = csrf_of(pair)
    bare = client.post(f"/merges/{first}", data={"csrf": proof, "decision": "same", "reason": " "})
    assert bare.status_code == 400
    judged = client.post(f"/merges/{first}", data={"csrf": proof, "decision": "same", "reason": "signatures agree"})
    assert "signatures agree" in judged.text
    event = re.search(r'action="/merges/undo/([^"]+)"', judged.text)
    number = re.search(r'name="number" value="([^"]+)"', judged.text)
    assert event is not None
    assert number is not None
    undone = client.post(f"/merges/undo/{event[1]}", data={"csrf": proof, "number": number[1], "reason": "two people"})
    assert "two people" in undone.text
    client.post(f"/merges/{second}", data={"csrf": proof, "decision": "apart", "reason": "called both"})
    assert "没有待判的记录对" in client.get("/merges").text
    gone = client.post(f"/merges/{second}", data={"csrf": proof, "decision": "same", "reason": "x"})
    assert gone.status_code == 409
    assert client.get(f"/merges/{second}").status_code == 404
    client.cookies.set("language", "en")
    assert "No pair waits" in client.get("/merges").text


@pytest.mark.browser
def test_a_pair_is_judged_and_its_merge_undone_in_a_browser(chromium: Any, staffed: Staffed) -> None:
    records = [
        person("Q9", "诸葛明亮", birth="1966-07-08", phone="13800990009"),
        person("R9", "诸葛明亮", birth="1966-07-08"),
    ]
    with staffed.small.open.store.begin(PROGRAM) as connection:
        for source, row in zip(("paper", "card"), records, strict=True):
            register(connection, source, table_of([row]), date(2026, 6, 29), f"browser {source}")
        link_identities(connection)
    with staffed.small.open.store.begin(system()) as connection:
        pair = str(next(iter(candidates(connection))).candidate_id)
    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with listening(staffed.app, alive=True) as address:
        context = chromium.new_context(viewport={"width": 390, "height": 900})
        session = {"name": "session", "value": staffed.token(staffed.of("data_steward")), "url": address}
        context.add_cookies([session, {"name": "language", "value": "en", "url": address}])
        page = context.new_page()
        said, _ = listen(page)
        walk(page, f"{address}/merges/{pair}", "pair", axe)
        page.fill("[name=reason]", "one signature")
        page.click("button[value=same]")
        undo = page.locator("form[action^='/merges/undo/']", has=page.locator("input[name=reason]")).first
        undo.locator("input[name=reason]").fill("two brothers")
        undo.locator("button").click()
        assert "two brothers" in page.locator("main").inner_text()
        assert said == []
        context.close()


def test_nobody_else_judges(staffed: Staffed) -> None:
    manager = staffed.client(staffed.of("relationship_manager"))
    assert manager.get("/merges").status_code == 403
    assert "/merges" not in manager.get("/").text
