"""Signing in by pages: steps, cookies, forged forms, what was being written, roles revoked meanwhile; every route asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher, profiles
from fastapi.routing import APIRoute
from sqlalchemy import text

from bankloop.kit.errors import DeniedError
from bankloop.lake.service import open_lake
from bankloop.loop.bank import Bank
from bankloop.organization import account
from bankloop.organization.account import SignInSettings, secrets
from bankloop.organization.account.accounts import confirm_totp
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES, RoleReach, give_role
from bankloop.simulate.service import write_templates
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.web.api.schema import described
from bankloop.web.shell import guard
from bankloop.web.shell.app import create_app, serve
from tests.organization.account.conftest import PASSWORD, Hand
from tests.web.conftest import Staffed, TestClient

OPEN_TO_ALL = {
    "/signin",
    "/signin/code",
    "/signin/password",
    "/signin/factor",
    "/signin/switch",
    "/signin/oidc",
    "/signin/oidc/back",
}
FREE = OPEN_TO_ALL | {
    "/style.css",
    "/icon.svg",
    "/audiences.js",
    "/workbench.webmanifest",
    "/workbench.js",
    "/worker.js",
    "/workbench/offline",
    "/healthz",
    "/readyz",
    "/metrics",
    "/language/{language}",
    "/api/v1/token",
    # Whoever scans a code is nobody whom the bank knows yet.
    "/c/{token}",
}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_hasher", lambda: PasswordHasher.from_parameters(profiles.CHEAPEST))


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def moving(store_server: EmbeddedServer, database: str, hand: Hand, tmp_path: Path) -> Iterator[Store]:
    with attach_store(tmp_path, hand, store_server, database) as store:
        write_templates(tmp_path)
        with store.begin(system()) as connection:
            give_role(connection, "li", "hq_strategist", (), ("*",))
        with store.begin(account.SIGN_IN) as connection:
            account.open_account(connection, "li")
            account.set_password(connection, "li", PASSWORD)
        yield store


def served(store: Store, **settings: Any) -> TestClient:
    bank = Bank(store.folder, store, open_lake(store.folder, store, system("lake")), store.clock)
    app = create_app(lambda: nullcontext(bank), SignInSettings(**settings))
    return TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000))


@pytest.fixture
def browser(moving: Store) -> Iterator[TestClient]:
    with served(moving) as opened:
        yield opened


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def enter(browser: TestClient, password: str = PASSWORD, **more: str) -> Any:
    return browser.post("/signin", data={"person": "li", "password": password, **more}, follow_redirects=False)


def test_every_route_asks_who_is_there(browser: TestClient) -> None:
    app: Any = browser.app
    pages = [(route.path, method) for route in app.routes if isinstance(route, APIRoute) for method in route.methods]
    calls = [(path, method.upper()) for path, methods in described(app)["paths"].items() for method in methods]
    assert len(pages) > 30
    assert len(calls) > 45
    for route, method in [*pages, *calls]:
        if route not in FREE:
            path = re.sub(r"\{[^}]+\}", "00000000-0000-0000-0000-000000000000", route)
            answer = browser.request(method, path, follow_redirects=False)
            if path.startswith("/api/"):
                assert answer.status_code == 401, (method, path)
                assert answer.json()["code"] == "signin.needed"
            elif method == "GET":
                assert answer.status_code == 303, (method, path)
                assert answer.headers["location"].startswith("/signin?to=")
            else:
                assert answer.status_code == 401, (method, path)


def test_a_person_signs_in_and_goes_where_they_wanted(browser: TestClient) -> None:
    first = browser.get("/plan", follow_redirects=False)
    assert first.headers["location"] == "/signin?to=%2Fplan"
    form = browser.get(first.headers["location"]).text
    answer = enter(browser, to=hidden(form, "to"))
    assert answer.headers["location"] == "/plan"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # this machine speaks http
    assert browser.get("/", follow_redirects=False).status_code == 200


def test_behind_a_proxy_the_cookie_is_bound_to_host_and_encryption(moving: Store) -> None:
    bank = Bank(moving.folder, moving, open_lake(moving.folder, moving, system("lake")), moving.clock)
    app = create_app(lambda: nullcontext(bank), SignInSettings(hosts=("loop.bank.example",)), behind_proxy=True)
    with TestClient(app, base_url="https://loop.bank.example") as opened:
        answer = opened.post("/signin", data={"person": "li", "password": PASSWORD}, follow_redirects=False)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-session=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert opened.get("/", follow_redirects=False).status_code == 200
        assert opened.get("/", headers={"host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nx: y", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(browser: TestClient, to: str) -> None:
    assert enter(browser, to=to).headers["location"] == "/"


def test_a_wrong_proof_is_told_on_the_page_and_nothing_more(browser: TestClient) -> None:
    answer = enter(browser, "wrong wrong wrong")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "wrong wrong" not in answer.text
    unknown = browser.post("/signin", data={"person": "<script>", "password": "x"})
    assert unknown.status_code == 401
    assert "<script" not in unknown.text


def test_another_site_signs_nobody_in(browser: TestClient) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = browser.post("/signin", data={"person": "li", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_the_steps_follow_one_another_under_ever_new_tokens(moving: Store, hand: Hand) -> None:
    with served(moving, totp="required") as browser:
        page = enter(browser)
        tokens = [browser.cookies["session"]]
        assert browser.get("/", follow_redirects=False).status_code == 303  # a half session opens nothing
        secret_page = browser.post("/signin/factor", data={"csrf": hidden(page.text, "csrf")}).text
        secret = re.search(r"<code>([A-Z2-7]{32})</code>", secret_page)
        assert secret is not None
        code = pyotp.TOTP(secret[1]).at(hand.at)
        done = browser.post(
            "/signin/factor", data={"csrf": hidden(secret_page, "csrf"), "code": code}, follow_redirects=False
        )
        assert done.status_code == 303
        tokens.append(browser.cookies["session"])
        assert browser.get("/", follow_redirects=False).status_code == 200
        browser.cookies.clear()
        hand.on(timedelta(minutes=1))
        page = enter(browser)
        tokens.append(browser.cookies["session"])
        again = browser.post("/signin/code", data={"csrf": hidden(page.text, "csrf"), "code": code})
        assert again.status_code == 401
        now = pyotp.TOTP(secret[1]).at(hand.at)
        browser.post("/signin/code", data={"csrf": hidden(again.text, "csrf"), "code": now})
        tokens.append(browser.cookies["session"])
        assert len(set(tokens)) == 4
        browser.cookies.set("session", tokens[2])
        assert browser.get("/", follow_redirects=False).status_code == 303


def test_a_form_without_the_session_s_proof_changes_nothing(browser: TestClient, moving: Store) -> None:
    enter(browser)
    for forged in ({}, {"csrf": "0" * 64}):
        browser.post("/signout", data=forged)
        assert browser.get("/", follow_redirects=False).status_code == 200
    page = browser.get("/").text
    assert (
        browser.post(
            "/signout", data={"csrf": hidden(page, "csrf")}, headers={"sec-fetch-site": "cross-site"}
        ).status_code
        == 403
    )
    browser.post("/signout", data={"csrf": hidden(page, "csrf")})
    assert browser.get("/", follow_redirects=False).status_code == 303


def test_what_was_being_written_survives_the_session(browser: TestClient, hand: Hand, moving: Store) -> None:
    enter(browser)
    page = browser.get("/campaigns/bind-card/edit").text
    mine = "campaign: bind-card # 我改了很久 <b>\n"
    hand.on(timedelta(hours=1))
    late = browser.post(
        "/campaigns/bind-card/edit", data={"csrf": hidden(page, "csrf"), "seen": hidden(page, "seen"), "text": mine}
    )
    assert late.status_code == 401
    assert "我改了很久" not in late.text  # sealed: a page before signing in shows nothing of it
    back = enter(browser, kept=hidden(late.text, "kept"), to="/")
    assert back.status_code == 200
    assert "我改了很久 &lt;b&gt;" in back.text
    assert 'action="/campaigns/bind-card/edit"' in back.text
    sent = browser.post(
        "/campaigns/bind-card/edit",
        data={"csrf": hidden(back.text, "csrf"), "seen": hidden(page, "seen"), "text": mine},
    )
    assert sent.status_code == 422  # and the rules speak about what was written, which is still there
    assert "我改了很久" in sent.text


@pytest.mark.parametrize("kept", ["", "00", "zz", "01" * 60])
def test_a_kept_form_that_is_none_is_no_form(browser: TestClient, kept: str) -> None:
    assert enter(browser, kept=kept).status_code == 303


def test_a_role_revoked_ends_at_the_next_request(browser: TestClient, moving: Store) -> None:
    enter(browser)
    assert browser.get("/campaigns/bind-card").status_code == 200
    with moving.begin(system()) as connection:
        connection.execute(text("UPDATE role_grant SET state = 'ended' WHERE person_id = 'li'"))
    assert browser.get("/campaigns/bind-card").status_code == 403
    with moving.begin(account.SIGN_IN) as connection:
        account.close_account(connection, "li")
    assert browser.get("/", follow_redirects=False).status_code == 303


def test_one_answer_to_every_name(browser: TestClient) -> None:
    answers = set()
    for person in ("li", "nobody"):
        for _ in range(7):  # the last of them on an account that is locked
            answer = browser.post("/signin", data={"person": person, "password": "wrong wrong wrong"})
            answers.add((answer.status_code, answer.text.replace(f'value="{person}"', "")))
    assert len(answers) == 1


def test_a_page_asks_for_both_proofs_before_another_factor(moving: Store, hand: Hand) -> None:
    with served(moving) as browser:
        enter(browser)

        def send(**fields: str) -> Any:
            csrf = hidden(browser.get("/signin/factor").text, "csrf")
            return browser.post("/signin/factor", data={"csrf": csrf, **fields}, follow_redirects=False)

        assert 'name="current"' not in browser.get("/signin/factor").text
        assert send().status_code == 401
        secret = re.search(r"<code>([A-Z2-7]{32})</code>", send(password=PASSWORD).text)
        assert secret is not None
        factor = pyotp.TOTP(secret[1])
        assert send(code=factor.at(hand.at)).status_code == 303
        assert 'name="current"' in browser.get("/signin/factor").text
        hand.on(timedelta(minutes=1))
        for proofs in ({}, {"password": PASSWORD}, {"current": factor.at(hand.at)}):
            refused = send(**proofs)
            assert refused.status_code == 401
            assert "<code>" not in refused.text
        again = send(password=PASSWORD, current=factor.at(hand.at))
        assert re.search(r"<code>([A-Z2-7]{32})</code>", again.text)


def test_a_hundred_and_twenty_wrong_codes_lock(moving: Store, hand: Hand) -> None:
    with served(moving) as browser:
        with moving.begin(account.SIGN_IN) as connection:
            secret = account.begin_totp(connection, "li")
            confirm_totp(connection, "li", pyotp.TOTP(secret).at(hand.at))
        asked = 0
        for _ in range(120):
            page = enter(browser)
            if 'action="/signin/code"' not in page.text:
                continue
            asked += 1
            browser.post("/signin/code", data={"csrf": hidden(page.text, "csrf"), "code": "000000"})
            hand.on(timedelta(seconds=4))  # below the rate
        assert asked < 10
        page = browser.get("/signin/code")
        late = browser.post(
            "/signin/code", data={"csrf": hidden(page.text, "csrf"), "code": pyotp.TOTP(secret).at(hand.at)}
        )
        assert late.status_code == 401


def test_a_branch_behind_one_address_signs_in(moving: Store) -> None:
    bank = Bank(moving.folder, moving, open_lake(moving.folder, moving, system("lake")), moving.clock)
    app = create_app(lambda: nullcontext(bank), SignInSettings(), rates=("3/minute", "1000/minute"))
    with TestClient(app, base_url="http://127.0.0.1") as opened:

        def tries(path: str = "/signin", count: int = 1, **more: Any) -> list[int]:
            return [opened.post(path, follow_redirects=False, **more).status_code for _ in range(count)]

        for number in range(40):
            assert tries(data={"person": f"p{number}", "password": "y"}) == [401]
        assert tries(count=4, data={"person": "x", "password": "y"})[-1] == 429
        assert tries(data={"person": " x ", "password": "y"}) == [429]
        assert tries(data={"person": "other", "password": "y"}) == [401]
        opened.cookies.set("session", "bls_x")
        assert 429 in tries("/signin/code", 4, data={"code": "1", "person": "p1"})
        assert tries("/signin/code", data={"code": "1", "person": "p2"}) == [429]
        plain = [opened.post("/signin", files={"person": (None, f"m{n}")}).status_code for n in range(4)]
        assert plain[-1] == 429  # another encoding is one name


def test_guessing_is_slowed_down(moving: Store) -> None:
    bank = Bank(moving.folder, moving, open_lake(moving.folder, moving, system("lake")), moving.clock)
    app = create_app(lambda: nullcontext(bank), SignInSettings(), rates=("3/minute", "1000/minute"))
    with TestClient(app, base_url="http://127.0.0.1") as opened:
        codes = [opened.post("/signin", data={"person": "x", "password": "y"}).status_code for _ in range(4)]
        assert codes == [401, 401, 401, 429]
        assert opened.post("/signin", data={"person": "x"}).headers["retry-after"] == "60"
        assert opened.get("/signin").status_code == 200


def test_two_processes_count_tries_together(moving: Store) -> None:
    bank = Bank(moving.folder, moving, open_lake(moving.folder, moving, system("lake")), moving.clock)
    codes: list[int] = []
    for _ in range(2):
        app = create_app(lambda: nullcontext(bank), SignInSettings(), rates=("3/minute", "1000/minute"))
        with TestClient(app, base_url="http://127.0.0.1") as opened:
            codes += [opened.post("/signin", data={"person": "x", "password": "y"}).status_code for _ in range(2)]
    assert codes == [401, 401, 401, 429]


def test_bodies_are_bounded(browser: TestClient) -> None:
    large = browser.post(
        "/signin", content=b"a" * (1 << 20) + b"b", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert (large.status_code, large.json()["code"]) == (413, "request.too_large")

    def trickle() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 40_000

    streamed = browser.post("/signin", content=trickle())
    assert streamed.status_code == 413


def test_a_body_that_does_not_come_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SLOWEST_BODY", 0.01)
    sent: list[Any] = []

    async def never() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def inner(*_: Any) -> None:
        raise AssertionError("nobody works on half a body")

    scope = {
        "type": "http", "method": "POST", "path": "/signin", "headers": [(b"host", b"127.0.0.1"), (b"content-length", b"9")],
        "client": ("127.0.0.1", 1), "query_string": b"",
    }  # fmt: skip
    asyncio.run(guard.Guard(inner)(scope, never, send))
    assert sent[0]["status"] == 408
    assert b"request.too_slow" in sent[1]["body"]


def test_it_is_served_beyond_this_machine_only_behind_a_proxy(tmp_path: Path) -> None:
    write_templates(tmp_path)
    for host in ("0.0.0.0", "192.168.1.4", "::", "bank.example"):
        with pytest.raises(DeniedError) as caught:
            serve(tmp_path, 8321, host)
        assert caught.value.code == "serve.not_loopback"
    with pytest.raises(DeniedError) as caught:
        serve(tmp_path, 8321, "127.0.0.1", behind_proxy=True)
    assert caught.value.code == "serve.no_hosts"


# What each role's pages open, beside what everybody signed in sees.
PAGES = {
    "/plan": "plan.read", "/results": "round.read", "/approvals": "approval.read", "/people": "unit.read", "/audit": "audit.read", "/holds": "hold.read",
    "/tasks": "task.read", "/falls": "care.read", "/customers": "customer.list", "/campaigns/bind-card": "campaign.read",
    "/campaigns/bind-card/edit": "campaign.edit", "/rights": "", "/": "", "/account": "",
}  # fmt: skip


@pytest.mark.capability("H27")
@pytest.mark.parametrize("role", list(ROLES))
def test_each_role_passes_its_permission_test_on_pages(staffed: Staffed, role: str) -> None:
    client = staffed.client(staffed.of(role))
    home = client.get("/")
    assert home.status_code == 200
    assert ROLES[role].title.zh in home.text
    for path, permission in PAGES.items():
        allowed = not permission or permission in ROLES[role].rights
        assert client.get(path).status_code == (200 if allowed else 403), (role, path)
        # The menu offers what opens, and nothing else.
        if path.count("/") == 1 and path not in ("/", "/account"):
            assert (f'<a href="{path}"' in home.text) == allowed, (role, path)


def test_a_demo_switches_roles_and_nothing_else_does(staffed: Staffed, browser: TestClient) -> None:
    page = staffed.client().get("/signin").text
    offered = set(re.findall(r'action="/signin/switch"><input type="hidden" name="person" value="([^"]+)"', page))
    assert offered >= set(staffed.people)  # and whom another test of the same bank engaged
    assert "/signin/switch" not in browser.get("/signin").text
    assert browser.post("/signin/switch", data={"person": "li"}).status_code == 401


def pages_of(api: TestClient, path: str, limit: int) -> list[dict[str, Any]]:
    """Return a list of the API, page by page to its end."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(path, params={"limit": limit, **({"cursor": cursor} if cursor else {})}).json()
        found, cursor = [*found, *page["items"]], page["next"]
    return found


@pytest.mark.capability("A1")
def test_a_manager_of_a_sub_branch_sees_the_own_book_and_today_s_tasks_alone(staffed: Staffed) -> None:
    assert ROLES["relationship_manager"].scope is RoleReach.BOOK
    manager = staffed.of("relationship_manager")
    api = staffed.api(manager)
    listed = [row["customer_no"] for row in pages_of(api, "/api/v1/customers", 200)]
    with staffed.small.open.store.begin(system()) as connection:
        book = set(
            connection.scalars(text("SELECT customer_no FROM customer_book WHERE staff_id = :m"), {"m": manager})
        )
        mine = set(
            connection.scalars(
                text(
                    "SELECT task_id::text FROM staff_task WHERE due_on = :day "
                    "AND (staff_id = :m OR staff_id IS NULL AND customer_no = ANY (:book))"
                ),
                {"m": manager, "book": list(book), "day": staffed.small.open.lake.today()},
            )
        )
        others = connection.scalar(
            text("SELECT count(*) FROM staff_task WHERE NOT customer_no = ANY (:book)"), {"book": list(book)}
        )
    assert listed == sorted(book)
    assert len(book) > 0
    assert others > 0
    tasks = pages_of(api, "/api/v1/tasks", 5)
    assert {task["task_id"] for task in tasks} == mine
    home = staffed.client(manager).get("/").text
    rows = home.split("我看得到的客户", 1)[1]
    shown = re.findall(r'<th scope="row">(C…\d{4})</th>', rows)
    assert shown == [f"{number[:1]}…{number[-4:]}" for number in sorted(book)[:8]]
    stranger = next(n for n in staffed.small.window.state.table["customer_no"].to_pylist() if n not in book)
    assert api.get(f"/api/v1/customers/{stranger}").status_code == 404


def test_a_launch_without_an_approved_step_is_a_409(moving: Store) -> None:
    with served(moving) as browser:
        token = account.sign_in(moving, SignInSettings(), "li", PASSWORD).token
        for path in ("runs", "plans"):
            answer = browser.post(
                f"/api/v1/{path}",
                json={"round": 1},
                headers={"authorization": f"Bearer {token}", "idempotency-key": path},
            )
            assert (answer.status_code, answer.json()["code"]) == (409, "run.nothing_approved")
        jobs = browser.get("/api/v1/jobs", headers={"authorization": f"Bearer {token}"})
        assert jobs.json()["items"] == []
