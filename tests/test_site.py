"""The documents' site is built strictly in both languages, and its search finds Chinese words."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TRANSLATED = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.zh.md"))
ROLES = ("marketer", "branch-leader", "manager", "compliance", "data-scientist", "engineer")
# What is for those who develop it, and what lists the tests of each threat.
ENGLISH = ("explanation/threat-model",)
FOR_EVERYBODY = ("tutorial", "how-to", "guide", "explanation")
AT_LEAST = (
    "index",
    "capabilities",
    *(f"guide/{role}" for role in ROLES),
    *(
        name
        for part in FOR_EVERYBODY
        for path in sorted((ROOT / "docs" / part).glob("*.md"))
        for name in [f"{part}/{path.name.removesuffix('.md')}"]
        if not name.endswith(".zh") and name not in ENGLISH
    ),
)

pytestmark = pytest.mark.browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a line a request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_what_everybody_reads_first_is_there_in_chinese() -> None:
    assert [name for name in AT_LEAST if f"{name}.zh.md" not in TRANSLATED] == []
    for name in TRANSLATED:
        assert (ROOT / "docs" / name.replace(".zh.md", ".md")).exists(), f"{name} translates nothing"


def test_every_page_stands_in_both_languages_and_says_where_it_is_english(site: Path) -> None:
    english = {path.relative_to(site).parent for path in site.rglob("index.html") if "zh" not in path.parts}
    for page in english:
        chinese = (site / "zh" / page / "index.html").read_text(encoding="utf-8")
        source = "index.zh.md" if page == Path() else f"{page.as_posix()}.zh.md"
        assert ("本页正文只有英文" in chinese) == (source not in TRANSLATED), page
        assert 'hreflang="en"' in chinese
        assert 'hreflang="zh"' in (site / page / "index.html").read_text(encoding="utf-8")


def test_what_a_page_links_to_is_in_the_site(site: Path) -> None:
    for page in site.rglob("index.html"):
        for target in re.findall(r'<a [^>]*href="(\.[^"#?]*)', page.read_text(encoding="utf-8")):
            place = (page.parent / target).resolve()
            assert place.is_relative_to(site), f"{page.relative_to(site)} leads out of the site: {target}"
            assert place.exists(), f"{page.relative_to(site)}: {target} is not there"


def test_the_index_holds_chinese_words_and_each_page_once(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    pages = {one["location"].partition("#")[0] for one in index["docs"]}
    assert {"zh/", "zh/capabilities/", "benchmarks/"} <= pages
    assert "zh/benchmarks/" not in pages
    (home,) = [one for one in index["docs"] if one["location"] == "zh/"]
    words = home["text"].split("\u200b")
    assert {"银行", "战役"} <= set(words)
    assert max(map(len, (word for word in words if word.isalpha() and not word.isascii()))) < 8


def test_the_search_finds_a_chinese_word_where_it_stands(address: str) -> None:
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium")
    assert place is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=["--headless", "--no-sandbox"])
        for word, page in (("双录", "zh/capabilities/"), ("提级", "zh/tutorial/first-campaign/")):
            opened = browser.new_page()
            opened.goto(f"{address}/zh/")
            opened.locator("input[name=query]").press_sequentially(word)
            opened.locator(f".md-search-result__link[href*='/{page}']").first.wait_for(state="attached", timeout=30_000)
        opened = browser.new_page()
        opened.goto(f"{address}/zh/")
        opened.locator("input[name=query]").press_sequentially("鹩哥")
        opened.get_by_text("没有找到符合条件的结果").wait_for(state="attached", timeout=30_000)
        browser.close()
