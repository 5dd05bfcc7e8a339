"""The demo bank is alive on its morning: at no desk is nothing; a day that passes is lived by everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from bankloop.bench.morning import Awaiting, open_morning
from bankloop.bench.story import CYCLE_DAYS, tell
from bankloop.kit.clock import local_day
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.simulate.clock import bank_clock
from bankloop.store.audit import verify_audit
from bankloop.store.embedded import remove_cluster
from bankloop.web.shell.app import create_app
from bankloop.wiring import open_bank, workplace
from bankloop.work.crew import Crew
from bankloop.work.simulated_day import live_day
from tests.web.conftest import TestClient

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
