"""A tour of the console as each role: from the day's home page to the page of every capability, by links alone."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from bankloop.organization.people import person_of
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES
from bankloop.web.shell.ways import OPENED_BY, may_open
from tests.test_docs import scripts
from tests.web.conftest import Staffed
from tests.web.test_audiences import saved

# Of one kind of page so many are opened: not every customer has a company, not every task a visit.
OPENED = 4
_LINK = re.compile(r'<a\b[^>]*\bhref="(/[^"#]*)')
# What ends the session, changes the language, or is a file.
_APART = re.compile(r"/(signout|signin|language|save|report|style)|\.(xlsx|pdf|png|svg|csv|js)(\?|$)")
# What some pages cannot be asked without.
NOBODY = "3f2b8c1e-0000-4000-8000-000000000000"
ASKED = "?campaign=bind-card&reason=reached&key=1"
# What a phone shows by itself where it has no network.
_UNLINKED = frozenset({"/workbench/offline"})


def kinds(app: Any) -> dict[str, re.Pattern[str]]:
    """Every address of a page with the pattern of those that are of its kind, the plainest first."""
    found = {one.path for one in scripts("pages.capabilities")._routes(app.routes)}
    plain = sorted(found, key=lambda path: (path.count("{"), -len(path)))
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/?]+", path) + r"(?:\?.*)?") for path in plain}


def kind_of(address: str, patterns: Mapping[str, re.Pattern[str]]) -> str | None:
    return next((path for path, pattern in patterns.items() if pattern.fullmatch(address)), None)


def toured(client: TestClient, patterns: Mapping[str, re.Pattern[str]]) -> dict[str, str]:
    """Follow the links from the home page on; return by kind of page the first address that opened."""
    reached, led, opened, waiting = dict[str, str](), {"/": ""}, Counter[str](), deque(["/"])
    while waiting:
        address = waiting.popleft()
        kind = kind_of(address, patterns)
        if kind is None or opened[kind] >= OPENED:
            continue
        opened[kind] += 1
        answer = client.get(address)
        assert answer.status_code == 200, f"a link of {led[address]} leads to {address}: {answer.status_code}"
        reached.setdefault(kind, address)
        for link in map(html.unescape, _LINK.findall(answer.text)):
            if link not in led and not _APART.search(link):
                led[link] = address
                waiting.append(link)
    return reached


def worked(staffed: Staffed) -> None:
    """Leave what a day's work leaves, whoever else works here: a code of a manager, a sale that counts for somebody."""
    head, manager = staffed.of("sub_branch_head"), staffed.of("relationship_manager")
    with staffed.small.open.store.begin(system()) as connection:
        unit = person_of(connection, head).unit_id
    code = {"title": "toured", "staff_id": manager, "until": "2026-12-31"}
    sale = {
        "key": "toured",
        "customer_no": staffed.own_customer(manager),
        "unit_id": unit,
        "what": "x",
        "amount_fen": 1,
    }
    sale |= {"happened_on": f"{staffed.small.open.lake.today()}"}
    halves = ((manager, "retail", "0.4"), (head, "corporate", "0.6"))
    shares = [{"staff_id": one, "line": line, "share": share} for one, line, share in halves]
    for who, noun, body in (("strategist", "codes", code), (head, "credits", {**sale, "shares": shares})):
        answer = staffed.api(who).post(f"/api/v1/{noun}", json=body, headers={"idempotency-key": uuid4().hex})
        assert answer.status_code in (200, 201), answer.text


@pytest.mark.soak
def test_every_role_finds_every_page_that_it_may_open_by_links_alone(staffed: Staffed) -> None:
    patterns = kinds(staffed.app)
    names, marked = scripts("pages.capabilities").named(), scripts("pages.capabilities").capabilities()
    places = {at for key in marked for at in names[key].at if at.startswith("/")}
    assert places <= patterns.keys()
    assert saved(staffed.client("strategist"), "toured", "age >= 60").status_code in (200, 303)
    worked(staffed)
    clients = {role: staffed.client(staffed.of(role)) for role in ROLES}
    tours = {role: toured(client, patterns) for role, client in clients.items()}
    known = {kind: address for tour in tours.values() for kind, address in tour.items()}
    assert places - known.keys() - _UNLINKED == set(), "no role is led there"
    lost = [
        (role, place)
        for role, tour in tours.items()
        for place in sorted(places - tour.keys() - _UNLINKED)
        if clients[role].get(known[place]).status_code == 200
    ]
    assert lost == []


def test_what_is_not_linked_for_somebody_is_refused_and_nothing_else(staffed: Staffed) -> None:
    pages = {path for path in kinds(staffed.app) if path in OPENED_BY}
    assert pages == OPENED_BY.keys()
    for role in ROLES:
        client = staffed.client(staffed.of(role))
        for path in sorted(pages):
            address = re.sub(r"\{\w+\}", NOBODY, path.replace("{round_}", "1")) + ASKED
            if all(one in ROLES[role].rights for one in OPENED_BY[path]):
                continue
            assert client.get(address).status_code == 403, (role, path)
    assert not may_open(None, "/")
