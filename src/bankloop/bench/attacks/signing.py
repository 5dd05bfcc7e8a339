"""Getting in without being somebody, and staying in when one should not be."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
from fastapi.routing import APIRoute

from bankloop.bench.attacks.target import BASE, AttackTarget, TestClient, attack, held, hidden, key
from bankloop.organization import account
from bankloop.organization.principals import system
from bankloop.organization.rights import give_role

_PASSWORD = "nine slow barges turning"  # noqa: S105 - of an attack's own account  # pragma: allowlist secret
_WRONG = "ten quick barges turning"
_OPEN = re.compile(
    r"/signin|/style.css|/icon.svg|/audiences.js|/workbench(\.webmanifest|\.js|/offline)|/worker.js|/healthz|/readyz"
    r"|/metrics|/language|/c/|/api/v1/token"
)


def _account(target: AttackTarget, person: str, *, factor: bool = False) -> str:
    """Open an account with a password and a role; return the second factor's secret where one is set."""
    with target.bank.store.begin(system("attack")) as connection:
        give_role(connection, person, "hq_strategist", (), ("*",))
    with target.bank.store.begin(account.SIGN_IN) as connection:
        account.open_account(connection, person)
        account.set_password(connection, person, _PASSWORD)
        if not factor:
            return ""
        secret = account.begin_totp(connection, person)
        account.confirm_totp(connection, person, pyotp.TOTP(secret).at(target.bank.clock.now()))
    return secret


def _enter(client: TestClient, person: str, password: str = _PASSWORD, **more: str) -> Any:
    return client.post("/signin", data={"person": person, "password": password, **more}, follow_redirects=False)


def _in(client: TestClient) -> bool:
    answer = client.get("/", follow_redirects=False)
    return bool(answer.status_code == 200)


@attack("signing in")
def guess_a_password(target: AttackTarget) -> None:
    """Guess a password until it opens."""
    _account(target, "guessed")
    client = target.stranger()
    for number in range(12):
        _enter(client, "guessed", f"{_WRONG} {number}")
    held(_enter(client, "guessed").status_code != 303, "the right password opened after twelve wrong ones")


@attack("signing in")
def guess_a_code(target: AttackTarget) -> None:
    """Guess the second factor, giving the right password in between."""
    secret = _account(target, "coded", factor=True)
    client, asked = target.stranger(), 0
    for _ in range(60):
        page = _enter(client, "coded")
        if 'action="/signin/code"' in page.text:
            asked += 1
            client.post("/signin/code", data={"csrf": hidden(page.text, "csrf"), "code": "000000"})
        target.move_on(timedelta(seconds=2))
    held(asked < 10, f"{asked} codes were taken")
    page = client.get("/signin/code").text
    now = pyotp.TOTP(secret).at(target.bank.clock.now())
    client.post("/signin/code", data={"csrf": hidden(page, "csrf"), "code": now})
    held(not _in(client), "the right code opened after guessing")


@attack("signing in")
def use_a_code_twice(target: AttackTarget) -> None:
    """Use a code of the second factor that was used."""
    secret = _account(target, "twice", factor=True)
    target.move_on(timedelta(minutes=1))
    code, opened = pyotp.TOTP(secret).at(target.bank.clock.now()), []
    for _ in range(2):
        client = target.stranger()
        page = _enter(client, "twice").text
        client.post("/signin/code", data={"csrf": hidden(page, "csrf"), "code": code})
        opened.append(_in(client))
    held(opened == [True, False], opened)


@attack("signing in")
def skip_the_second_factor(target: AttackTarget) -> None:
    """Work with the session that the password alone opened."""
    _account(target, "half", factor=True)
    client = target.stranger()
    _enter(client, "half")
    held(not _in(client), "half a session opened a page")
    bearer = {"authorization": f"Bearer {client.cookies.get('session')}"}
    held(target.stranger().get(f"{BASE}/campaigns", headers=bearer).status_code == 401, "half a session read the API")


@attack("signing in")
def drop_a_factor_from_a_live_session(target: AttackTarget) -> None:
    """Drop somebody's second factor at a session left open."""
    secret = _account(target, "left-open", factor=True)
    target.move_on(timedelta(minutes=1))
    client = target.stranger()
    page = _enter(client, "left-open").text
    client.post(
        "/signin/code", data={"csrf": hidden(page, "csrf"), "code": pyotp.TOTP(secret).at(target.bank.clock.now())}
    )
    held(_in(client), "the owner could not sign in")
    target.move_on(timedelta(minutes=1))
    for proofs in ({}, {"password": _PASSWORD}, {"current": pyotp.TOTP(secret).at(target.bank.clock.now())}):
        csrf = hidden(client.get("/signin/factor").text, "csrf")
        answer = client.post("/signin/factor", data={"csrf": csrf, **proofs}, follow_redirects=False)
        held("<code>" not in answer.text, f"a new secret was shown for {sorted(proofs)}")


@attack("signing in")
def change_a_password_without_the_old_one(target: AttackTarget) -> None:
    """Set a new password at a session left open."""
    _account(target, "changed")
    client = target.stranger()
    _enter(client, "changed")
    csrf = hidden(client.get("/signin/password").text, "csrf")
    client.post("/signin/password", data={"csrf": csrf, "old": _WRONG, "new": "eleven loud barges turning"})
    held(_enter(target.stranger(), "changed").status_code == 303, "the old password opens no more")


@attack("signing in")
def learn_which_names_exist(target: AttackTarget) -> None:
    """Tell by the answer whether a name has an account, or is locked."""
    _account(target, "known")
    answers = set()
    for person in ("known", "unknown-to-all"):
        for _ in range(8):
            answer = _enter(target.stranger(), person, _WRONG)
            answers.add((answer.status_code, answer.text.replace(f'value="{person}"', "", 1)))
    held(len(answers) == 1, f"{len(answers)} different answers")


@attack("signing in")
def bring_forged_tokens(target: AttackTarget) -> None:
    """Bring a token that is cut, longer, of another kind, or made up."""
    good = target.token("hq_strategist")
    for token in ("", "x", "bls_", good[:-1], good + "a", "bls_" + "A" * 43, "blk_" + good[4:], "null"):
        answer = target.stranger().get(f"{BASE}/me", headers={b"authorization": f"Bearer {token}".encode()})
        held(answer.status_code == 401, token)


@attack("signing in")
def stay_after_the_role_is_gone(target: AttackTarget) -> None:
    """Go on at an open session when the account was closed."""
    _account(target, "dismissed")
    client = target.stranger()
    _enter(client, "dismissed")
    held(_in(client), "could not sign in")
    with target.bank.store.begin(account.SIGN_IN) as connection:
        account.close_account(connection, "dismissed")
    held(not _in(client), "a closed account's session still opens")


@attack("signing in")
def fix_a_session(target: AttackTarget) -> None:
    """Have somebody sign in under a session that was planted."""
    _account(target, "fixed")
    client = target.stranger()
    client.cookies.set("session", "bls_" + "B" * 43)
    _enter(client, "fixed")
    planted = target.stranger()
    planted.cookies.set("session", "bls_" + "B" * 43)
    held(not _in(planted), "the planted session is signed in")


@attack("signing in")
def sign_in_from_another_site(target: AttackTarget) -> None:
    """Sign somebody in by a form of another site."""
    _account(target, "crossed")
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = target.stranger().post(
            "/signin", data={"person": "crossed", "password": _PASSWORD}, headers=headers, follow_redirects=False
        )
        held("set-cookie" not in answer.headers, headers)


@attack("signing in")
def lead_somebody_elsewhere(target: AttackTarget) -> None:
    """Have signing in lead to another site."""
    _account(target, "led")
    for to in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nx: y", "javascript:alert(1)"):
        held(_enter(target.stranger(), "led", to=to).headers.get("location") == "/", to)


@attack("signing in")
def open_every_route_as_nobody(target: AttackTarget) -> None:
    """Open every page and call of the program without signing in."""
    described = target.api("hq_strategist").get(f"{BASE}/openapi.json").json()
    routes = [(r.path, m) for r in target.app.routes if isinstance(r, APIRoute) for m in r.methods or ()]
    routes += [(path, m.upper()) for path, methods in described["paths"].items() for m in methods]
    held(len(routes) > 75, f"{len(routes)} routes only")
    client = target.stranger()
    for route, method in routes:
        if not _OPEN.match(route):
            path = re.sub(r"\{[^}]+\}", "00000000-0000-0000-0000-000000000000", route)
            answer = client.request(method, path, headers=key(), follow_redirects=False)
            held(answer.status_code in (401, 303), f"{method} {route}: {answer.status_code}")
