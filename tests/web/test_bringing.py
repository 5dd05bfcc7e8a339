"""Files brought in a browser: from an empty folder to the first plan, and what is refused on the way."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.lake.proposal.bringing import begin_empty, look_at_all, make_bank
from bankloop.lake.proposal.proposing import propose
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.organization.beginning import LOCAL, begin
from bankloop.organization.principals import auditor, steward, system
from bankloop.simulate.service import write_templates
from bankloop.store.contracts import Role
from bankloop.store.database import attach_store, create_database
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.jobs import Job, JobState, enqueue_job, own_jobs
from bankloop.web.pages.bringing import routes
from bankloop.web.shell.app import create_app
from bankloop.web.shell.uploads import receive_files
from bankloop.web.shell.visitor import csrf_of
from tests.databases import drop_database

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from newcomer import write_files

pytestmark = pytest.mark.bank
FILES = ("customers.csv", "accounts.csv", "transactions.csv")
CUSTOMERS = 400


@dataclass
class Fresh:
    """A bank that has no files yet, its console, and a browser of whoever set it up."""

    bank: Bank
    app: FastAPI
    local: str

    def browser(self, person: str = "steward") -> TestClient:
        """A browser without a window, let in by the address that the terminal said."""
        opened = TestClient(self.app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000))
        assert opened.get(self.local, follow_redirects=False).status_code == 303
        opened.cookies.set("language", "en")
        if person != "steward":
            opened.post("/signin/switch", data={"person": person})
        return opened

    def work(self) -> None:
        """Do the jobs that wait."""
        self.app.state.jobs.wait()

    def jobs(self) -> list[Job]:
        """The steward's jobs, the newest first."""
        with self.bank.store.begin(steward()) as connection:
            return own_jobs(connection, 5)

    def trail(self, verb: str) -> list[Any]:
        """The rows of the trail of one verb."""
        with self.bank.store.begin(auditor(), Role.AUDITOR) as connection:
            return list(connection.execute(text("SELECT * FROM audit WHERE verb = :verb ORDER BY id"), {"verb": verb}))


_numbers = iter(range(1, 1_000))


@contextmanager
def begun(server: EmbeddedServer, clock: FixedClock, folder: Path) -> Iterator[Fresh]:
    """A bank without files, served."""
    database = f"bringing_{os.getpid()}_{next(_numbers)}"
    begin_empty(folder)
    write_templates(folder)
    create_database(server, database, "template_bank")
    with attach_store(folder, clock, server, database) as store:
        bank = Bank(folder, store, open_lake(folder, store, system("lake")), clock)
        said: list[str] = []
        rates = ("100000/minute", "100000/minute")
        app = create_app(lambda: nullcontext(bank), rates=rates, say_local=said.append)
        with TestClient(app, base_url="http://127.0.0.1"):
            yield Fresh(bank, app, said[0])
    drop_database(server, database)


@pytest.fixture
def fresh(store_server: EmbeddedServer, clock: FixedClock, tmp_path: Path) -> Iterator[Fresh]:
    with begun(store_server, clock, tmp_path / "bank") as found:
        yield found


@pytest.fixture(scope="module")
def served(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fresh]:
    with begun(store_server, clock, tmp_path_factory.mktemp("idle") / "bank") as found:
        yield found


@pytest.fixture
def idle(served: Fresh) -> Fresh:
    """A bank without files of which these tests make nothing: each begins with no draft."""
    shutil.rmtree(served.bank.folder / "data" / "bringing", ignore_errors=True)
    return served


@pytest.fixture
def files(tmp_path: Path, clock: FixedClock) -> Path:
    place = tmp_path / "sent"
    place.mkdir()
    write_files(place, CUSTOMERS, clock.now().date())
    return place


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return unescape(found[1])


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the form of answers: the options that are selected, else the first."""
    found = {name: hidden(page, name) for name in ("csrf", "seen")}
    for select in re.finditer(r'<select [^>]*name="([^"]+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', select[2]) or re.search(r'value="([^"]*)"', select[2])
        assert chosen is not None
        found[unescape(select[1])] = unescape(chosen[1])
    return found


def send(browser: TestClient, *paths: Path, names: dict[str, str] | None = None) -> Any:
    page = browser.get("/bring").text
    parts = [("files", ((names or {}).get(one.name, one.name), one.read_bytes())) for one in paths]
    return browser.post("/bring/files", data={"csrf": hidden(page, "csrf")}, files=parts)


def answer(browser: TestClient, **given: str) -> Any:
    return browser.post("/bring/answers", data={**form_of(browser.get("/bring").text), **given})


def made(browser: TestClient) -> Any:
    page = browser.get("/bring").text
    return browser.post("/bring/make", data={name: hidden(page, name) for name in ("csrf", "seen")})


def test_from_three_files_to_the_first_plan_without_a_file_edited(fresh: Fresh, files: Path, tmp_path: Path) -> None:
    browser = fresh.browser()
    assert browser.get("/", follow_redirects=False).headers["location"] == "/bring"
    shown = send(browser, *(files / one for one in FILES))
    assert shown.status_code == 200, shown.text
    assert "csv gbk ," in shown.text
    assert "csv utf-8 tab" in shown.text
    fresh.work()
    answered = answer(browser)
    assert answered.status_code == 200, answered.text
    fresh.work()
    page = browser.get("/bring").text
    assert "Nothing stands against it" in page
    assert page.count("<td") > 20 * 8
    assert "王" not in page, "names are dots"
    done = made(browser)
    assert "Next steps" in done.text, done.text

    # The command writes the same for the same answers, byte for byte.
    given = [str(files / one) for one in FILES]
    looks = look_at_all(given, fresh.bank.lake.today())
    beside = tmp_path / "beside"
    day = fresh.bank.lake.today().replace(day=29)
    make_bank(beside, given, propose(looks, {}, day))
    for file in ("bank.yaml", *(f"data/incoming/2026-06-29/{one}" for one in (*FILES, ".ok"))):
        assert (fresh.bank.folder / file).read_bytes() == (beside / file).read_bytes(), file
    assert not (fresh.bank.folder / "data" / "bringing").exists()

    fresh.work()
    page = browser.get("/bring").text
    assert f"{CUSTOMERS:,}" in page
    marketer = fresh.browser("strategist")
    page = marketer.get("/begin", params={"expression": "term_maturing_60d >= 20000"}).text
    assert "may be reached" in page
    wrong = marketer.get("/begin", params={"expression": "term_maturing >= 20000"}).text
    assert "term_maturing_60d" in wrong, "the nearest name is said"
    csrf = {"csrf": hidden(page, "csrf")}
    begun = {**csrf, "template": "savers", "expression": "term_maturing_60d >= 20000"}
    unsigned = marketer.post("/begin/campaign", data={**begun, "owner": "savings", "source": " "})
    assert (unsigned.status_code, "say who signs them" in refusal(unsigned)) == (400, True)
    assert 'name="owner" maxlength="200" required value="savings"' in unsigned.text, "what was typed is still there"
    assert not (fresh.bank.folder / "campaigns" / "savers.yaml").exists()
    signed = {"owner": "savings", "source": "judged by the savings desk before the first round"}
    done = marketer.post("/begin/campaign", data={**begun, **signed})
    assert done.status_code == 200, done.text
    tutorial = (Path(__file__).parents[2] / "docs" / "tutorial" / "own-bank.md").read_text(encoding="utf-8")
    written = (fresh.bank.folder / "campaigns" / "savers.yaml").read_text(encoding="utf-8")
    assert "on: 2026-06-30" in written, "signed today"
    assert f"```yaml\n{written.replace('2026-06-30', '2026-01-05')}```" in tutorial
    marketer.post("/begin/learn", data={**csrf, "campaign": "savers"})
    fresh.work()
    page = marketer.get("/begin").text
    approve(fresh, page, ("checker",))
    page = marketer.get("/begin").text
    assert "champion" in page
    marketer.post("/campaigns/savers/submit", data=csrf)
    page = marketer.get("/begin").text
    approve(fresh, page, ("consumer", "compliance", "checker", "checker2"))
    marketer.post("/begin/plan", data=csrf)
    fresh.work()
    page = marketer.get("/begin").text
    assert "The first plan" in page, page
    assert len(fresh.trail("lake.bring")) == 3
    assert len(fresh.trail("lake.settle")) == 1


def approve(fresh: Fresh, page: str, people: tuple[str, ...]) -> None:
    """Let each of these people pass what waits, where it waits for them."""
    found = re.search(r'href="(/approvals/[0-9a-f-]{36})"', page)
    assert found is not None, page
    for person in people:
        browser = fresh.browser(person)
        shown = browser.get(found[1]).text
        if 'value="pass"' in shown or "/pass" in shown:
            done = browser.post(f"{found[1]}/pass", data={"csrf": hidden(shown, "csrf"), "comment": "in order"})
            assert done.status_code == 200, done.text


CSV = "客户号,姓名,手机号,性别,开户日期,省份,学历\n1,王伟,13812345678,男,2020-01-02,福建,本科\n2,李芳,13912345678,女,2021-03-04,广东,\n"


def drafted(idle: Fresh, tmp_path: Path, content: str = CSV) -> TestClient:
    """A browser at a draft of one file of customers."""
    file = tmp_path / "customers.csv"
    file.write_text(content, encoding="utf-8")
    browser = idle.browser()
    assert send(browser, file).status_code == 200
    return browser


def refusal(answer: Any) -> str:
    found = re.search(r'role="alert">([^<]*)<', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def brought(fresh: Fresh) -> list[str]:
    place = fresh.bank.folder / "data" / "bringing" / "files"
    return sorted(one.name for one in place.iterdir()) if place.exists() else []


def test_what_was_recognised_is_changed_by_pickers_and_tried_again(idle: Fresh, tmp_path: Path) -> None:
    browser = drafted(idle, tmp_path)
    given = {"customer.gender.男": "F", "customer.gender.女": "M", "customer.marketing_consent": "yes"}
    done = answer(browser, **given, **{"customer.region.from": "none"})
    assert done.status_code == 200, refusal(done)
    idle.work()
    page = browser.get("/bring").text
    assert "{from: 性别, values: {女: M, 男: F}}" in unescape(page), re.findall("<code>[^<]*", page)
    assert "{constant: true}" in page
    kept = form_of(page)
    assert {key: kept[key] for key in given} == given
    assert kept["customer.region.from"] == "none"
    trial = page.split('id="trial"')[1]
    assert "福建" not in trial
    assert ">F<" in trial


def test_one_column_for_two_is_refused_and_what_was_chosen_stays(idle: Fresh, tmp_path: Path) -> None:
    browser = drafted(idle, tmp_path)
    twice = {"customer.region.from": "学历", "customer.employer_id.from": "学历"}
    done = answer(browser, **twice)
    assert (done.status_code, "cannot be both" in refusal(done)) == (400, True)
    shown = form_of(done.text)
    assert {key: shown[key] for key in twice} == twice
    assert form_of(browser.get("/bring").text)["customer.employer_id.from"] == "none"


def test_of_two_who_change_the_mapping_the_slower_is_told(idle: Fresh, tmp_path: Path) -> None:
    first, second = drafted(idle, tmp_path), idle.browser()
    form = form_of(second.get("/bring").text)
    answer(first, **{"customer.marketing_consent": "yes"})
    late = second.post("/bring/answers", data={**form, "customer.gender.男": "F"})
    assert (late.status_code, "somebody changed" in refusal(late)) == (412, True)
    assert form_of(late.text)["customer.gender.男"] == "F", "what was chosen is still there"
    made_late = second.post("/bring/make", data=form)
    assert made_late.status_code == 412
    with (idle.bank.folder / "data" / "bringing" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        busy = send(second, tmp_path / "customers.csv")
    assert (busy.status_code, "somebody else is sending" in refusal(busy)) == (409, True)


def test_nothing_is_made_before_what_only_a_person_knows_was_said(idle: Fresh, tmp_path: Path) -> None:
    browser = drafted(idle, tmp_path)
    done = made(browser)
    assert (done.status_code, "customer.marketing_consent" in refusal(done)) == (400, True)
    assert "sources: {}" in (idle.bank.folder / "bank.yaml").read_text(encoding="utf-8")


LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 100


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("secret.xlsx", LOCKED, "password"),
        ("old.csv", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "save it as .xlsx"),
        ("lying.xlsx", b"PK\x03\x04 and no workbook", "xlsx"),
        ("lying.parquet", b"PAR1 and no more", "cannot be read"),
        ("wide.csv", "a,b".encode("utf-16"), "UTF-16"),
        ("notes.csv", b"to do\nbuy bread\n", "has a customer number"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_goes(
    idle: Fresh, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    browser = idle.browser()
    page = send(browser, tmp_path / name)
    assert page.status_code == 200, page.text
    assert said in unescape(page.text)
    assert name in brought(idle)
    csrf = hidden(page.text, "csrf")
    browser.post("/bring/drop", data={"csrf": csrf, "file": name})
    assert brought(idle) == []
    gone = browser.post("/bring/drop", data={"csrf": csrf, "file": name})
    assert gone.status_code == 404


def test_an_empty_file_or_none_is_refused_and_takes_none_beside_it(idle: Fresh, tmp_path: Path) -> None:
    good, empty = tmp_path / "a.csv", tmp_path / "b.csv"
    good.write_text(CSV, encoding="utf-8")
    empty.touch()
    browser = idle.browser()
    assert "b.csv is empty" in refusal(send(browser, good, empty))
    assert brought(idle) == []
    csrf = hidden(browser.get("/bring").text, "csrf")
    none = browser.post("/bring/files", data={"csrf": csrf}, files=[("files", ("", b""))])
    assert "no file was chosen" in refusal(none)


def test_more_than_the_setting_is_refused_and_nothing_stays(
    idle: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKLOOP_UPLOAD_MB", "1")
    file = tmp_path / "large.csv"
    file.write_bytes(b"1" * (700 << 10))
    browser = idle.browser()
    assert send(browser, file).status_code == 200
    again = send(browser, file, names={"large.csv": "more.csv"})
    assert (again.status_code, "BANKLOOP_UPLOAD_MB" in refusal(again)) == (400, True)
    assert send(browser, file).status_code == 200, "a corrected file takes the place of the one before"
    file.write_bytes(b"1" * (1200 << 10))
    over = send(browser, file)
    assert over.status_code == 413
    assert brought(idle) == ["large.csv"]
    assert not (idle.bank.folder / "data" / "bringing" / "receiving").exists()


def test_a_form_from_elsewhere_sends_nothing(idle: Fresh, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(CSV, encoding="utf-8")
    browser = idle.browser()
    parts = [("files", (file.name, file.read_bytes()))]
    assert browser.post("/bring/files", data={"csrf": "0"}, files=parts).status_code == 403
    headers = {"sec-fetch-site": "cross-site"}
    csrf = {"csrf": hidden(browser.get("/bring").text, "csrf")}
    assert browser.post("/bring/files", data=csrf, files=parts, headers=headers).status_code == 403
    assert brought(idle) == []


def test_a_session_that_ends_in_between_keeps_nothing(
    fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = drafted(fresh, tmp_path)
    form = form_of(browser.get("/bring").text)
    csrf = {"csrf": form["csrf"]}

    async def ends(request: Any, room: Path) -> Any:
        found = await receive_files(request, room)
        browser.post("/signout", data=csrf)
        return found

    monkeypatch.setattr(routes, "receive_files", ends)
    late = browser.post("/bring/files", data=csrf, files=[("files", ("more.csv", b"1,2"))], follow_redirects=False)
    assert late.status_code == 401
    assert brought(fresh) == ["customers.csv"]
    kept = browser.post("/bring/answers", data=form, follow_redirects=False)
    assert kept.status_code == 401
    assert 'name="kept"' in kept.text, "what was chosen is carried through signing in"


def test_the_key_of_the_terminal_lets_in_until_somebody_has_a_role(fresh: Fresh) -> None:
    stranger = TestClient(fresh.app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000))
    assert stranger.get("/bring", follow_redirects=False).headers["location"].startswith("/signin")
    assert stranger.get(f"{fresh.local[:-1]}_", follow_redirects=False).headers["location"].startswith("/signin")
    browser = fresh.browser()
    assert "Local mode" in browser.get("/bring").text
    assert browser.post("/signin/switch", data={"person": "nobody"}, follow_redirects=False).status_code == 401
    browser.post("/bring/load", data={"csrf": hidden(browser.get("/bring").text, "csrf")})
    fresh.work()
    assert fresh.jobs()[0].state is JobState.DONE
    begin(fresh.bank.store, "anna", "bert")
    with fresh.bank.store.begin(steward()) as connection:
        enqueue_job(connection, "load", {}, LOCAL)
    fresh.work()
    assert fresh.jobs()[0].state is JobState.FAILED, "what was asked for before is nobody's after"
    for one in (browser, stranger):
        assert one.get(fresh.local, follow_redirects=False).headers["location"].startswith("/signin")
        assert one.get("/bring", follow_redirects=False).headers["location"].startswith("/signin")


def test_who_may_not_load_sends_nothing(fresh: Fresh) -> None:
    begin(fresh.bank.store, "anna", "bert")
    token = account.switch_person(fresh.bank.store, account.SignInSettings(demo=True), "anna").token
    anna = TestClient(fresh.app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000))
    anna.cookies.set("session", token)
    parts = [("files", ("a.csv", CSV.encode()))]
    csrf = {"csrf": csrf_of(token)}
    assert anna.get("/bring").status_code == 403
    assert anna.post("/bring/files", data=csrf, files=parts).status_code == 403
    for step in ("answers", "make", "try", "load", "drop"):
        assert anna.post(f"/bring/{step}", data=csrf).status_code == 403, step
    assert not (fresh.bank.folder / "data" / "bringing").exists()
