"""A tour of the console as each role: from the day's home page to the page of every capability, by links alone."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bankloop.organization.rights import ROLES
from tests.test_docs import scripts
from tests.web.conftest import Staffed

pytestmark = pytest.mark.soak
# Of one kind of page so many are opened: not every customer has a company, not every task a visit.
OPENED = 4
_LINK = re.compile(r'<a\b[^>]*\bhref="(/[^"#]*)')
# What ends the session, changes the language, or is a file.
_APART = re.compile(r"/(signout|signin|language|save|report|style)|\.(xlsx|pdf|png|svg|csv|js)(\?|$)")


def kinds(app: Any) -> dict[str, re.Pattern[str]]:
    """Return every address of a page with the pattern of those that are of its kind, the plainest first."""
    found = {one.path for one in scripts("pages.capabilities")._routes(app.routes)}
    plain = sorted(found, key=lambda path: (path.count("{"), -len(path)))
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/?]+", path) + r"(?:\?.*)?") for path in plain}


def kind_of(address: str, patterns: Mapping[str, re.Pattern[str]]) -> str | None:
    return next((path for path, pattern in patterns.items() if pattern.fullmatch(address)), None)


def toured(client: TestClient, patterns: Mapping[str, re.Pattern[str]]) -> dict[str, str]:
    """Follow the links from the home page on; return by kind of page the first address that opened."""
    reached, seen, opened, waiting = dict[str, str](), {"/"}, Counter[str](), deque(["/"])
    while waiting:
        address = waiting.popleft()
        kind = kind_of(address, patterns)
        if kind is None or opened[kind] >= OPENED:
            continue
        opened[kind] += 1
        answer = client.get(address)
        assert answer.status_code == 200, f"a link leads to {address}: {answer.status_code}"
        reached.setdefault(kind, address)
        for link in map(html.unescape, _LINK.findall(answer.text)):
            if link not in seen and not _APART.search(link):
                seen.add(link)
                waiting.append(link)
    return reached


def test_every_role_finds_every_page_that_it_may_open_by_links_alone(staffed: Staffed) -> None:
    patterns = kinds(staffed.app)
    names, marked = scripts("pages.capabilities").named(), scripts("pages.capabilities").capabilities()
    places = {at for key in marked for at in names[key].at if at.startswith("/")}
    assert places <= patterns.keys()
    clients = {role: staffed.client(staffed.of(role)) for role in ROLES}
    tours = {role: toured(client, patterns) for role, client in clients.items()}
    known = {kind: address for tour in tours.values() for kind, address in tour.items()}
    assert places - known.keys() == set(), "no role is led there"
    lost = [
        (role, place)
        for role, tour in tours.items()
        for place in sorted(places - tour.keys())
        if clients[role].get(known[place]).status_code == 200
    ]
    assert lost == []
