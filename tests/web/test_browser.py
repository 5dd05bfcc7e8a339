"""The console in a real browser: no horizontal scroll, no complaint, no other host, and pages a screen reader can walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from sqlalchemy import text

from bankloop.organization.people import person_of, units
from bankloop.organization.principals import system
from bankloop.organization.task import NewTask, TaskKind, open_task
from bankloop.performance.daily_figures import report_day
from bankloop.performance.target import read_weights, set_target
from bankloop.web.shell.app import create_app
from tests.bankfixture import SmallBank
from tests.web.conftest import DEMO, Staffed, listening

pytestmark = pytest.mark.browser

# Returns what is wrong with the page's structure, in words.
_FLAWS = """() => {
  const flaws = [];
  const shown = e => e.getClientRects().length > 0;
  if (!document.documentElement.lang) flaws.push('no lang');
  if (!document.title) flaws.push('no title');
  const heads = [...document.querySelectorAll('h1,h2,h3')].filter(shown).map(h => +h.tagName[1]);
  if (heads.filter(n => n === 1).length !== 1) flaws.push('h1: ' + heads);
  heads.forEach((n, i) => { if (i && n > heads[i - 1] + 1) flaws.push('heading jumps: ' + heads); });
  if ([...document.querySelectorAll('main')].filter(shown).length !== 1) flaws.push('main');
  for (const e of document.querySelectorAll('input:not([type=hidden]),select'))
    if (!e.labels.length && !e.ariaLabel) flaws.push('no label: ' + e.outerHTML);
  for (const e of document.querySelectorAll('table'))
    if (!e.caption || !e.querySelector('th[scope=col]')) flaws.push('table: ' + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll('svg'))
    if (e.getAttribute('aria-hidden') !== 'true' && !(e.getAttribute('role') === 'img' && e.querySelector('title') && e.querySelector('desc')))
      flaws.push('svg: ' + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll('nav,[role=region]'))
    if (!e.getAttribute('aria-label')) flaws.push('unnamed: ' + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll('a'))
    if (!e.textContent.trim() && !e.ariaLabel) flaws.push('empty link: ' + e.outerHTML);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size !== ids.length) flaws.push('duplicate ids');
  const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c) && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
  for (const e of document.querySelectorAll('main *, header *, nav *')) {
    if (e.closest('svg') || !shown(e) || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = lum(getComputedStyle(e).color), b = lum(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) flaws.push('contrast ' + ratio.toFixed(2) + ': ' + e.outerHTML.slice(0, 80));
  }
  return flaws;
}"""


@pytest.fixture(scope="module")
def address(staffed: Staffed) -> Iterator[str]:
    """The console, served by a thread on a free port."""
    with listening(create_app(lambda: nullcontext(staffed.small.open), DEMO)) as found:
        yield found


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, as its package carries it."""
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def pages(plan_id: str) -> dict[str, str]:
    return {
        "home": "/",
        "campaign": "/campaigns/first-wealth",
        "plan": f"/plan/{plan_id}?resource=budget:bind-card&limit=50",
        "plan rows": f"/plan/{plan_id}/rows?campaign=bind-card&reason=reached",
        "results": "/results",
        "scorecard": "/scorecard",
        "programme": "/programme",
        "plays": "/plays",
        "by manager": "/results/keep-deposits/1/by/manager",
        "result rows": "/results/bind-card/1/rows?group=treated",
        "report": "/report",
    }


def desks() -> dict[str, str]:
    return {
        "products": "/products",
        "product": "/products/wealth-fixed-income",
        "models": "/models",
        "model": "/models/first-wealth",
        "approvals": "/approvals",
        "rounds": "/rounds",
        "lists": "/lists",
        "edit": "/campaigns/bind-card/edit",
        "people": "/people",
        "rights": "/rights",
        "one role": "/rights?role=auditor",
        "account": "/account",
        "password": "/signin/password",
        "factor": "/signin/factor",
        "sign in": "/signin",
    }


# Both languages and both schemes meet axe once; it is the slow part.
AXED = {("zh", "light"), ("en", "dark")}
# The report switches languages without a script: its switch must stand beside what it hides, outside of any landmark.
_AXE = "rules => axe.run({resultTypes: ['violations'], rules}).then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"

# Pages of which another role than the strategist is the reader.
OTHERS = {
    "auditor": ("/", "/audit", "/holds"),
    "compliance": (
        "/board",
        "/holds",
    ),
    "secadmin": ("/", "/people"),
    "sysadmin": ("/",),
    "product": ("/products", "/products/wealth-fixed-income"),
    "checker": ("/approvals",),
    "steward": ("/merges", "/data", "/data/customer", "/data/holding/row", "/lineage", "/tiers", "/events"),
    "relationship_manager": (
        "/",
        "/workbench",
        "/tasks",
        "/customers",
        "/collaboration",
        "/maturities",
        "/falls",
        "/book",
        "/credits",
    ),
    "commander": (
        "/",
        "/daily",
        "/warroom",
        "/board",
        "/targets",
        "/credits",
        "/people",
        "/tasks",
        "/collaboration",
        "/maturities",
        "/falls",
    ),
    "strategist": ("/daily", "/board", "/targets", "/credits", "/remote"),
}
# Who works from head office down to the phone: their pages are walked in English too.
FROM_THE_TOP = ("strategist", "commander", "relationship_manager")


def by_turns(every: Iterable[tuple[Any, ...]], *daily: tuple[Any, ...]) -> list[Any]:
    """Of all ways to look at pages, those taken every day, and the others as long tests, which take turns."""
    return [one if one in daily else pytest.param(*one, marks=pytest.mark.soak) for one in every]


@pytest.mark.parametrize(
    ("width", "language", "scheme"),
    by_turns(product((1440, 390), ("zh", "en"), ("light", "dark")), (390, "zh", "light"), (1440, "en", "dark")),
)
def test_pages_fit_and_can_be_walked(
    chromium: Any, address: str, staffed: Staffed, plan_id: str, axe: str, width: int, language: str, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.add_cookies(
        [
            {"name": "language", "value": language, "url": address},
            {"name": "session", "value": staffed.token("strategist"), "url": address},
        ]
    )
    page = context.new_page()
    said, asked = listen(page)
    # The desks are made of the same parts: one scheme is enough.
    for name, path in {**pages(plan_id), **(desks() if scheme == "light" else {})}.items():
        walk(page, address + path, name, axe if (language, scheme) in AXED else "")
    assert said == []
    assert all(url.startswith(address) for url in asked), asked
    context.close()


def listen(page: Any) -> tuple[list[str], list[str]]:
    """Return what the page complains about and whom it asks, as it goes on."""
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return said, asked


def walk(page: Any, url: str, name: str, axe: str) -> None:
    """Open a page: it fits, its structure holds, axe finds nothing."""
    assert page.goto(url).status == 200, name
    scrolls = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert scrolls <= 0, (name, scrolls)
    assert page.evaluate(_FLAWS) == [], name
    if not axe:
        return
    page.evaluate(axe)
    found = page.evaluate(_AXE, {"region": {"enabled": name != "report"}})
    assert found == [], name


@pytest.fixture(scope="module")
def below(staffed: Staffed) -> dict[str, list[str]]:
    """Pages of one thing, by reader: a branch's report and target, a unit's tasks, a task, a customer, a campaign taken apart."""
    bank, manager = staffed.small.open, staffed.of("relationship_manager")
    report_day(bank, system("daily"), bank.lake.today() - timedelta(days=1))
    with bank.store.begin(system()) as connection:
        branch = person_of(connection, "commander").unit_id
        sub = next(unit.unit_id for unit in units(connection) if unit.parent_id == branch)
        days = bank.lake.today().replace(day=1), bank.lake.today()
        parts = {unit.unit_id: "1" for unit in units(connection) if unit.kind == "branch"}
        target = set_target(connection, "walked", "sales", *days, 90, read_weights(parts)).target_id
        own, now = staffed.own_customer(manager), bank.store.clock.now()
        place = connection.scalar(text("SELECT unit_id FROM customer_book WHERE customer_no = :c"), {"c": own})
        asked = NewTask("walked", TaskKind.CARE, own, place, "care", now, now + timedelta(hours=2), manager)
        task = open_task(connection, asked).task_id
    board = "/board/keep-deposits/1"
    return {
        "relationship_manager": [f"/customers/{own}", f"/workbench/{task}"],
        "commander": [f"/daily/{branch}", f"/warroom/{sub}", f"/targets/{target}?unit={branch}", board],
        "strategist": [
            f"/daily/{branch}",
            board,
            f"{board}?branch={branch}&by=sub_branch",
            f"{board}/rows?group=treated",
        ],
    }


@pytest.mark.parametrize(("width", "language"), by_turns(product((1440, 390), ("zh", "en")), (390, "zh")))
def test_each_reader_s_pages(
    chromium: Any, address: str, staffed: Staffed, below: dict[str, list[str]], axe: str, width: int, language: str
) -> None:
    for person in OTHERS if language == "zh" else FROM_THE_TOP:
        who = person if person in staffed.people else staffed.of(person)
        context = chromium.new_context(viewport={"width": width, "height": 900})
        context.add_cookies([{"name": "session", "value": staffed.token(who), "url": address}])
        context.add_cookies([{"name": "language", "value": language, "url": address}])
        page = context.new_page()
        said, asked = listen(page)
        for path in (*OTHERS[person], *below.get(person, ())):
            walk(page, address + path, f"{person} {path}", axe if (language, width) != ("en", 1440) else "")
        assert said == []
        assert all(url.startswith(address) for url in asked)
        context.close()


def test_the_what_if_works_from_the_keyboard(chromium: Any, address: str, staffed: Staffed, plan_id: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "session", "value": staffed.token("strategist"), "url": address}])
    page = context.new_page()
    page.goto(f"{address}/plan/{plan_id}?resource=budget:bind-card")
    page.focus("#limit")
    page.keyboard.press("Control+A")
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    page.wait_for_url("**limit=30**")
    assert page.locator("#what-if table").count() == 1
    page.close()


def test_the_report_switches_language_without_a_script(chromium: Any, small: SmallBank) -> None:
    page = chromium.new_page(java_script_enabled=False)
    page.goto(small.report.resolve().as_uri())
    assert page.locator("main:visible").get_attribute("lang") == "zh"
    page.click("label[for=pick-en]")
    assert page.locator("main:visible").get_attribute("lang") == "en"
    page.close()
