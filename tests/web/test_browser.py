"""The console in a real browser: no horizontal scroll, no complaint, no other host, and pages a screen reader can walk."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import uvicorn

from bankloop.web import create_app
from tests.bankfixture import SmallBank

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
def address(small: SmallBank) -> Iterator[str]:
    """The console, served by a thread on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(lambda: nullcontext(small.open))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    ready = threading.Event()
    started = server.startup

    async def startup(*args: Any, **kwargs: Any) -> None:
        await started(*args, **kwargs)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(20)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium")
    if place is None:
        pytest.skip("no chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=["--headless", "--no-sandbox"])
        yield browser
        browser.close()


def pages(plan_id: str) -> dict[str, str]:
    return {
        "home": "/",
        "campaign": "/campaigns/first-wealth",
        "plan": f"/plan/{plan_id}?resource=budget:bind-card&limit=50",
        "plan rows": f"/plan/{plan_id}/rows?campaign=bind-card&reason=reached",
        "results": "/results",
        "result rows": "/results/bind-card/1/rows?group=treated",
        "report": "/report",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_and_can_be_walked(
    chromium: Any, address: str, plan_id: str, width: int, language: str, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.add_cookies([{"name": "language", "value": language, "url": address}])
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for name, path in pages(plan_id).items():
        assert page.goto(address + path).status == 200
        scrolls = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert scrolls <= 0, (name, scrolls)
        assert page.evaluate(_FLAWS) == [], name
    assert said == []
    assert all(url.startswith(address) for url in asked), asked
    context.close()


def test_the_what_if_works_from_the_keyboard(chromium: Any, address: str, plan_id: str) -> None:
    page = chromium.new_page(java_script_enabled=False)
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
