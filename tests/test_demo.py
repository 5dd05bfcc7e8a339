"""The demo bank is alive on its morning: at no desk is nothing; a day that passes is lived by everybody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bankloop.bench.morning import Awaiting, open_morning
from bankloop.bench.story import CYCLE_DAYS, tell
from bankloop.cli.application import application
from bankloop.cli.screen import cells
from bankloop.kit.clock import local_day
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.organization.rights import ROLES
from bankloop.simulate.clock import bank_clock
from bankloop.store.audit import verify_audit
from bankloop.store.embedded import remove_cluster
from bankloop.web.shell.app import create_app
from bankloop.wiring import open_bank, workplace
from bankloop.work.crew import Crew
from bankloop.work.simulated_day import live_day
from tests.pictures import (
    ALIKE,
    BLANK,
    KEPT,
    LANGUAGES,
    LOOP,
    SCREENS,
    SHOTS,
    alike,
    blank,
    file_of,
    layout,
    loop_of,
    take,
)
from tests.web.conftest import TestClient, chromium, listening

__all__ = ["chromium"]  # a fixture: asked for by its name

pytestmark = pytest.mark.soak
TODAY = date(2026, 11, 30)
DEMO = account.SignInSettings(demo=True)
# Who sees which page, and what must stand on it.
DESKS = (
    ("hq_strategist", "/targets", "存款"),
    ("hq_strategist", "/credits", "分成|业绩"),
    ("hq_strategist", "/tiers", "2026-10"),
    ("hq_strategist", "/remote", "2026-11-30"),
    ("hq_strategist", "/audiences", "代发未购理财"),
    ("hq_strategist", "/daily", "较年初|年初"),
    ("hq_strategist", "/plan", "增量"),
    ("data_steward", "/data", "隔离"),
    ("data_steward", "/events", "网点取号"),
    ("branch_commander", "/lists", "分行回访名单"),
    ("branch_commander", "/collaboration", "陪访"),
    ("compliance_reviewer", "/holds", "涉诉"),
    ("compliance_reviewer", "/collaboration", "话术与合规"),
    ("hq_approver", "/approvals", "模型"),
    ("compliance_reviewer", "/approvals", "战役"),
    ("branch_approver", "/approvals", "划转"),
    ("security_admin", "/", "1 件事在等人"),
    ("relationship_manager", "/workbench", "待办"),
    ("partner_agent", "/", "今天 1 项任务"),
)
# What a terminal is asked on that morning; nobody's work is changed by it.
LOOKS = (
    "approvals",
    "attributes",
    "cohorts",
    "credit list",
    "credit list --person M00001",
    "evaluate keep-deposits",
    "event traffic",
    "jobs",
    "journeys",
    "list show",
    "messages",
    "metrics",
    "plays",
    "power keep-deposits",
    "programme",
    "report",
    "shelf list",
    "shelf matrix",
    "shelf scorecard",
    "top keep-deposits",
    "audit verify",
    "account list",
    "check",
)


@dataclass(frozen=True)
class Morning:
    """The bank on its morning, what waits, and who has which role."""

    bank: Bank
    waiting: Awaiting
    people: dict[str, str]


@pytest.fixture(scope="module")
def morning(own_state: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    folder = tmp_path_factory.mktemp("demo") / "bank"
    folder.mkdir()
    try:
        story = tell(folder, 4_000, 2, 42, lambda _: None, TODAY - timedelta(days=2 * CYCLE_DAYS), ends=False)
        waiting = open_morning(folder, story, TODAY, 42, lambda _: None)
        with open_bank(folder, bank_clock(folder)) as bank:
            yield Morning(bank, waiting, {role: person for person, role in reversed(story.people)})
    finally:
        remove_cluster(folder)


def read(morning: Morning, role: str, page: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the main part of a page as words."""

    @contextmanager
    def opening() -> Iterator[Bank]:
        yield morning.bank

    for act in ("start", "stop"):  # nothing happens beside a test
        monkeypatch.setattr(Crew, act, lambda self: None)
    with TestClient(create_app(opening, DEMO), base_url="http://127.0.0.1", client=("127.0.0.1", 50_000)) as client:
        client.cookies.set("session", account.switch_person(morning.bank.store, DEMO, morning.people[role]).token)
        answer = client.get(page)
        assert answer.status_code == 200, (role, page, answer.text)
    return re.sub("<[^>]+>", " ", answer.text.split("<main", 1)[1])


@pytest.mark.parametrize(("role", "page", "holds"), DESKS)
def test_no_desk_is_empty(role: str, page: str, holds: str, morning: Morning, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(holds, read(morning, role, page, monkeypatch)), (role, page)


@pytest.mark.parametrize("speaks", ["zh", "en"])
@pytest.mark.parametrize("words", LOOKS)
def test_a_terminal_of_eighty_columns_shows_it_whole(
    words: str, speaks: str, morning: Morning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is wider, no column is a letter wide, and of two languages one is said."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("BANKLOOP_LANG", speaks)
    done = CliRunner().invoke(application, [*words.split(), "--bank", str(morning.bank.folder)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines
    # A command that can be typed stays in one line, however long the bank's folder is named.
    assert [line for line in lines if cells(line) > 80 and not line.startswith("  bankloop ")] == []
    narrow = "".join("1" if 0 < cells(line.strip()) <= 2 else "0" for line in lines)
    assert "111" not in narrow
    assert [line for line in lines if re.search(r"[\u4e00-\u9fff] / [a-z]", line)] == []
    assert [line for line in lines if re.search(r"\bfen\b|（分）", line)] == []


@pytest.mark.browser
def test_the_guides_pictures_are_of_the_pages_as_they_are(
    morning: Morning, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roughly: the same blocks of a page hold ink. RENEW_PICTURES=1 keeps them anew instead."""

    @contextmanager
    def opening() -> Iterator[Bank]:
        yield morning.bank

    for act in ("start", "stop"):
        monkeypatch.setattr(Crew, act, lambda self: None)
    unlike = {}
    with listening(create_app(opening, DEMO)) as address:
        for (name, shot), language in product(SHOTS.items(), LANGUAGES):
            token = account.switch_person(morning.bank.store, DEMO, morning.people[shot.role]).token
            picture, kept = take(chromium, address, token, language, shot), KEPT / file_of(name, language)
            if os.environ.get("RENEW_PICTURES"):
                kept.write_bytes(picture)
            (size, ink), (kept_size, kept_ink) = layout(chromium, picture), layout(chromium, kept.read_bytes())
            if size != kept_size or alike(ink, kept_ink) < ALIKE:
                unlike[kept.name] = (size, kept_size, round(alike(ink, kept_ink), 2))
    whole = loop_of(chromium, (KEPT / file_of("marketer-plan", "zh")).read_bytes())
    if os.environ.get("RENEW_PICTURES"):
        LOOP.write_bytes(whole)
    assert alike(layout(chromium, whole)[1], layout(chromium, LOOP.read_bytes())[1]) >= ALIKE
    assert unlike == {}, "make pictures"


@pytest.mark.browser
def test_no_home_is_mostly_blank_on_its_first_screen(
    morning: Morning, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every role, on a desk and on a phone: what one signs in for stands there, not a heading and a void."""

    @contextmanager
    def opening() -> Iterator[Bank]:
        yield morning.bank

    for act in ("start", "stop"):
        monkeypatch.setattr(Crew, act, lambda self: None)
    with listening(create_app(opening, DEMO)) as address:
        found = {
            (role, screen): blank(
                chromium, address, account.switch_person(morning.bank.store, DEMO, person).token, screen
            )
            for (role, person), screen in product(morning.people.items(), SCREENS)
        }
    assert len(found) >= 2 * len(ROLES) - 2, "every role but the system's has somebody"
    assert {one: round(share, 2) for one, share in found.items() if share > BLANK} == {}


def test_it_is_this_morning_there(morning: Morning) -> None:
    assert local_day(morning.bank.clock.now(), morning.bank.lake.zone) == TODAY
    assert morning.waiting.approvals >= 4
    assert morning.waiting.tasks > 0


def test_a_day_passes(morning: Morning) -> None:
    lived = live_day(workplace(morning.bank))
    assert lived.day == TODAY
    assert local_day(morning.bank.clock.now(), morning.bank.lake.zone) == TODAY + timedelta(days=1)
    assert lived.tasks > 0
    assert lived.tables >= 3
    assert Path(morning.bank.folder / "data" / "truth" / TODAY.isoformat()).exists()
    version = morning.bank.lake.manifest.current("holding")
    assert version is not None
    assert version.as_of == TODAY
    assert verify_audit(morning.bank.store).ok
