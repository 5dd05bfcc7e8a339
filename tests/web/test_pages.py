"""Every page in both languages, the what-if, masked rows, errors as pages, and what may not be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from fastapi.testclient import TestClient

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import DeniedError
from bankloop.kit.text import Language
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.organization.principals import system
from bankloop.organization.rights import give_role
from bankloop.simulate.service import write_templates
from bankloop.store.database import Store
from bankloop.web.shell.app import create_app, is_loopback, serve
from bankloop.web.shell.console import masked
from tests.bankfixture import SmallBank
from tests.web.conftest import DEMO, Staffed

CHINESE = re.compile(r"[一-鿿]")
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:"


@pytest.fixture(autouse=True)
def chinese_first(client: TestClient) -> None:
    client.cookies.delete("language")


def paths(plan_id: str) -> list[str]:
    return [
        "/", "/campaigns/bind-card", "/campaigns/first-wealth?round=1", f"/plan/{plan_id}", "/results",
        f"/plan/{plan_id}?resource=budget:bind-card&limit=100",
        f"/plan/{plan_id}/rows?campaign=bind-card&reason=reached", f"/plan/{plan_id}/rows?campaign=bind-card&reason=no_consent",
        "/results/bind-card/1/rows?group=control",
        "/products", "/products/wealth-fixed-income", "/products/salary-bundle",
        "/models", "/models/first-wealth",
        "/programme", "/plays", "/plays?journey=retention", "/trace", "/results/bind-card/1/by/manager",
        "/scorecard", "/scorecard?metric=aum&by=branch", "/scorecard?metric=cross_sell&by=sub_branch&branch=B001",
    ]  # fmt: skip


def said(body: str) -> str:
    return re.sub(r"<[^>]+>", " ", body.split("<main", 1)[1])


@pytest.mark.parametrize("language", list(Language))
def test_every_page_in_both_languages(client: TestClient, plan_id: str, language: Language) -> None:
    client.cookies.set("language", language.value)
    for path in paths(plan_id):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-security-policy"].startswith(POLICY)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.text.count("<h1>") == 1
        assert "<script" not in answer.text
        assert not re.search(r"""style=|(?:src|href)=["'](?:https?:)?//""", answer.text), path
        if language is Language.EN:
            assert '<html lang="en">' in answer.text
            # The text of a script is the customer's language, whatever the console's.
            assert not CHINESE.search(said(answer.text)), (path, CHINESE.findall(said(answer.text))[:9])
        else:
            assert '<html lang="zh-CN">' in answer.text


def test_the_language_is_a_plain_link(client: TestClient) -> None:
    page = client.get("/results").text
    link = re.search(r'class="language"[^>]*href="([^"]+)"', page)
    assert link is not None
    answer = client.get(link[1].replace("&amp;", "&"))
    assert answer.url.path == "/results"
    assert '<html lang="en">' in answer.text


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/\\evil.example", "", "/a\nb"])
def test_the_language_link_leads_nowhere_else(client: TestClient, to: str) -> None:
    answer = client.get("/language/en", params={"to": to}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_the_newest_plan_is_the_plan(client: TestClient, plan_id: str) -> None:
    assert client.get("/plan").url.path == f"/plan/{plan_id}"


def test_what_if_changes_the_value_with_the_budget(client: TestClient, plan_id: str) -> None:
    client.cookies.set("language", "en")
    shown = []
    for limit in ("0", "20", "60", "15000"):
        page = client.get(f"/plan/{plan_id}", params={"resource": "budget:bind-card", "limit": limit}).text
        row = re.search(r'<th scope="row">Value</th>(.*?)</tr>', page, re.S)
        assert row is not None
        now, then = re.findall(r'class="n">([^<]+)</td>', row[1])[:2]
        shown.append((now, _yuan(then)))
    assert len({now for now, _ in shown}) == 1
    values = [value for _, value in shown]
    assert values == sorted(values)
    assert values[0] < values[-1]


def _yuan(words: str) -> float:
    plain = words.strip().replace("¥", "").replace(",", "").replace("−", "-")
    size = {"k": 1e3, "M": 1e6}.get(plain[-1])
    return float(plain[:-1]) * size if size else float(plain)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"resource": "budget:nothing", "limit": "5"}, 404),
        ({"resource": "budget:bind-card", "limit": "many"}, 422),
        ({"resource": "budget:bind-card", "limit": "-1"}, 400),
        ({"resource": "budget:bind-card", "limit": "nan"}, 400),
        ({"campaign": "nobody"}, 404),
    ],
)
def test_a_question_that_makes_no_sense_gets_its_cure(
    client: TestClient, plan_id: str, query: dict[str, str], status: int
) -> None:
    answer = client.get(f"/plan/{plan_id}", params=query)
    assert answer.status_code == status
    assert CHINESE.search(said(answer.text))
    assert 'lang="en"' in answer.text


def test_rows_are_masked_and_as_many_as_the_number(client: TestClient, plan_id: str, small: SmallBank) -> None:
    reached = sum(line.customers for line in small.window.plan.lines if line.campaign == "bind-card")
    seen: list[str] = []
    path: str | None = f"/plan/{plan_id}/rows?campaign=bind-card&reason=reached"
    while path:
        page = client.get(path).text
        seen += re.findall(r'<th scope="row">([^<]+)</th>', page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        path = link[1].replace("&amp;", "&") if link else None
    assert len(seen) == reached
    assert all(re.fullmatch(r"C….{4}", number) for number in seen)


def test_no_page_shows_a_whole_customer_number(client: TestClient, plan_id: str, small: SmallBank) -> None:
    numbers = set(small.window.state.table["customer_no"].to_pylist())
    for path in paths(plan_id):
        found = set(re.findall(r"\bC\d{4,}\b", client.get(path).text))
        assert not found & numbers, path


def test_who_is_kept_apart_is_counted_and_never_listed(client: TestClient, plan_id: str) -> None:
    page = client.get(f"/plan/{plan_id}/rows?campaign=bind-card&reason=untold")
    assert page.status_code == 200
    assert "不列名单" in page.text
    assert "<table" not in page.text
    for reason in ("frozen", "watchlist", "control", "holdout"):
        assert client.get(f"/plan/{plan_id}/rows?campaign=bind-card&reason={reason}").status_code == 404


def test_result_rows_are_as_many_as_the_reading(client: TestClient, small: SmallBank) -> None:
    reading = small.story.rounds[0][0].reading
    for group, count in (("treated", reading.treated), ("control", reading.control), ("by_hand", reading.contaminated)):
        page = client.get(f"/results/{reading.campaign}/1/rows?group={group}").text
        assert f'<p class="answer">{count:,} ·' in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404), ("/campaigns/nobody", 404), ("/campaigns/bind-card?round=9", 404), ("/campaigns/bind-card?round=x", 422),
        ("/plan/zzz", 404), ("/plan/00000000-0000-0000-0000-000000000000", 404), ("/plan/../../etc/passwd", 404),
        ("/results/bind-card/9/rows", 409), ("/results/bind-card/x/rows", 422), ("/results/bind-card/1/rows?group=treated&page=99999", 404),
        ("/results/bind-card/1/rows?group=everybody", 404), ("/language/fr", 404),
        ("/scorecard?metric=profit", 404), ("/scorecard?metric=aum&by=customer", 404),
    ],
)  # fmt: skip
def test_errors_are_pages_with_a_cure_in_both_languages(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    body = said(answer.text)
    assert CHINESE.search(body)
    assert re.search(r"[a-z]{3,} [a-z]{2,}", body)
    assert answer.headers["content-security-policy"].startswith(POLICY)


def test_what_is_written_in_an_address_is_escaped(client: TestClient) -> None:
    answer = client.get("/campaigns/<img src=x onerror=alert(1)>")
    assert answer.status_code == 404
    assert "<img" not in answer.text


def test_nothing_can_be_changed(client: TestClient, plan_id: str) -> None:
    for path in ("/", f"/plan/{plan_id}", "/results"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_other_hosts_are_turned_away(client: TestClient) -> None:
    for host in ("evil.example", "evil.example:8321", "127.0.0.1.evil.example", ""):
        answer = client.get("/", headers={"host": host})
        assert answer.status_code == 403, host
        assert answer.json()["code"] == "serve.foreign_host"
    for host in ("localhost:8321", "127.0.0.1", "[::1]:8321"):
        assert client.get("/healthz", headers={"host": host}).json() == {"ok": True}


def test_the_console_is_served_on_this_machine_only(small: SmallBank) -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    for host in ("0.0.0.0", "192.168.1.4", "::", "bank.example"):
        assert not is_loopback(host)
        with pytest.raises(DeniedError) as caught:
            serve(small.open.folder, 8321, host)
        assert caught.value.code == "serve.not_loopback"


def test_a_fault_is_a_page_too(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankloop.web.pages.home.page.home_page", lambda *_: 1 // 0)
    client = TestClient(staffed.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    client.cookies.set("session", staffed.token("strategist"))
    answer = client.get("/")
    assert answer.status_code == 500
    assert "console.fault" in answer.text
    assert "ZeroDivision" not in answer.text
    assert answer.headers["content-security-policy"].startswith(POLICY)


def test_the_report_is_served_under_its_own_policy(client: TestClient) -> None:
    answer = client.get("/report")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")


@pytest.fixture
def empty(store: Store, clock: FixedClock) -> Iterator[TestClient]:
    write_templates(store.folder)
    bank = Bank(store.folder, store, open_lake(store.folder, store, system("lake")), clock)
    with store.begin(system()) as connection:
        give_role(connection, "first", "hq_strategist", (), ("*",))
    with store.begin(account.SIGN_IN) as connection:
        account.open_account(connection, "first")
    with TestClient(create_app(lambda: nullcontext(bank), DEMO), base_url="http://127.0.0.1") as opened:
        opened.cookies.set("session", account.switch_person(store, DEMO, "first").token)
        yield opened


def test_an_empty_bank_says_what_to_do_first(empty: TestClient) -> None:
    assert "bankloop learn" in empty.get("/").text
    for path in ("/plan", "/results"):
        answer = empty.get(path)
        assert answer.status_code == 200
        assert "bankloop" in said(answer.text)
    assert empty.get("/campaigns/bind-card").status_code == 200


def test_masks() -> None:
    assert masked("C00012345") == "C…2345"
    assert masked("C12") == "…"
