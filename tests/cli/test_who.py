"""Who acts on the command line: believed in a simulated bank, proven everywhere else; every role by its rights."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, profiles
from typer.testing import CliRunner

from bankloop.cli import who
from bankloop.cli.application import application
from bankloop.kit.clock import SystemClock
from bankloop.organization import account
from bankloop.organization.account import secrets
from bankloop.organization.principals import system
from bankloop.organization.rights import ROLES, give_role
from bankloop.simulate.service import write_templates
from bankloop.store.database import Store, open_store

PASSWORD = "four quiet herons wading"
PEOPLE = {role: f"p-{role.replace('_', '-')}" for role in ROLES}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_hasher", lambda: PasswordHasher.from_parameters(profiles.CHEAPEST))


@pytest.fixture
def folder(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bank that is not simulated, with one person a role who has an account."""
    place = tmp_path / "bank"
    place.mkdir()
    write_templates(place)
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", database_url)
    monkeypatch.setenv("BANKLOOP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv(who.TOKEN, raising=False)
    with opened(place) as store:
        with store.begin(system()) as connection:
            from bankloop.kit.text import Text
            from bankloop.organization.people import engage_staff, open_unit

            open_unit(connection, "HQ", None, "head_office", Text("总行", "Head office"), "*")
            for role, person in PEOPLE.items():
                engage_staff(connection, person, person, "HQ", role, "*")
                give_role(connection, person, role, ("HQ",) if ROLES[role].bound else (), ("*",))
        with store.begin(account.SIGN_IN) as connection:
            for person in PEOPLE.values():
                account.open_account(connection, person)
                account.set_password(connection, person, PASSWORD)
    return place


def opened(place: Path) -> Store:
    return open_store(place, SystemClock())


def run(*words: str, stdin: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(application, list(words), input=stdin)
    return done.exit_code, done.output


def last(output: str) -> Any:
    return json.loads([line for line in output.splitlines() if line.startswith("{")][-1])


def enter(folder: Path, person: str) -> None:
    code, output = run("signin", person, "--bank", str(folder), "--stdin", stdin=f"{PASSWORD}\n")
    assert code == 0, output


def test_nobody_is_believed_outside_of_a_demo(folder: Path) -> None:
    for words in (
        ("submit", "bind-card"),
        ("approve", "bind-card", "--as", "p-hq-approver"),
        ("run",),
        ("account", "list"),
    ):
        code, output = run(*words, "--bank", str(folder))
        assert (code, "signin.terminal" in output) == (4, True), (words, output)


def test_a_terminal_signs_in_acts_and_signs_out(folder: Path) -> None:
    enter(folder, "p-hq-strategist")
    kept = who.token_file(folder)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert folder not in kept.parents
    code, output = run("submit", "bind-card", "--bank", str(folder))
    assert "campaign.no_model" in output  # rights passed, the rule speaks
    code, output = run("submit", "bind-card", "--as", "p-hq-approver", "--bank", str(folder))
    assert (code, "signin.not_you" in output) == (4, True)
    kept.chmod(0o644)
    assert "signin.terminal" in run("submit", "bind-card", "--bank", str(folder))[1]
    kept.chmod(0o600)
    assert run("signout", "--bank", str(folder))[0] == 0
    assert not kept.exists()
    assert "signin.terminal" in run("submit", "bind-card", "--bank", str(folder))[1]


def test_a_wrong_password_keeps_no_token(folder: Path) -> None:
    code, output = run("signin", "p-auditor", "--bank", str(folder), "--stdin", stdin="wrong wrong wrong\n")
    assert (code, "signin.wrong" in output) == (4, True)
    assert not who.token_file(folder).exists()


def test_an_api_key_acts_as_its_person(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(folder, "p-security-admin")
    words = (
        "account",
        "key",
        "p-hq-strategist",
        "--title",
        "nightly",
        "--scope",
        "write",
        "--bank",
        str(folder),
        "--json",
    )
    code, output = run(*words)
    assert code == 0, output
    made = last(output)
    run("signout", "--bank", str(folder))
    monkeypatch.setenv(who.TOKEN, made["secret"])
    assert "campaign.no_model" in run("submit", "bind-card", "--bank", str(folder))[1]
    monkeypatch.delenv(who.TOKEN)
    enter(folder, "p-security-admin")
    assert run("account", "revoke", made["machine"], "--bank", str(folder))[0] == 0
    monkeypatch.setenv(who.TOKEN, made["secret"])
    assert "signin.terminal" in run("submit", "bind-card", "--bank", str(folder))[1]


def test_a_person_s_first_code_leads_to_a_password(folder: Path) -> None:
    enter(folder, "p-system-admin")
    code, output = run("account", "open", "newcomer", "--bank", str(folder), "--json")
    assert code == 0, output
    first = last(output)["code"]
    assert re.fullmatch(r"([A-Z0-9]{5}-){3}[A-Z0-9]{5}", first)
    done, output = run(
        "signin", "newcomer", "--bank", str(folder), "--stdin", stdin=f"{first}\nsix small words of no meaning\n"
    )
    assert done == 0, output
    assert "signin.wrong" in run("signin", "newcomer", "--bank", str(folder), "--stdin", stdin=f"{first}\n")[1]


COMMANDS = {
    "campaign.submit": ("submit", "bind-card"),
    "round.run": ("run",),
    "audit.verify": ("audit", "verify"),
    "account.read": ("account", "list"),
    "account.unlock": ("account", "unlock", "p-auditor"),
}


@pytest.mark.capability("H27")
def test_each_role_passes_its_permission_test_on_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder) as store, store.begin(account.SIGN_IN) as connection:
        tokens = {
            role: account.make_machine(connection, "key", person, "cli", ["write"])[1]
            for role, person in PEOPLE.items()
        }
    for role, token in tokens.items():
        monkeypatch.setenv(who.TOKEN, token)
        for permission, words in COMMANDS.items():
            code, output = run(*words, "--bank", str(folder))
            denied = code == 4 and ("rights.not_allowed" in output or "rights.no_grant" in output)
            assert denied == (permission not in ROLES[role].rights), (role, words, output)
            assert "Traceback" not in output


@pytest.mark.parametrize("words", [("report",), ("metrics",), ("plays",), ("save", "results", "x.json")])
def test_a_part_of_the_bank_reads_no_figures_of_all_of_it(folder: Path, words: tuple[str, ...]) -> None:
    enter(folder, PEOPLE["sub_branch_head"])
    code, output = run(*words, "--bank", str(folder), "--json")
    assert code == 4, output
    assert "rights.not_whole" in output


def test_as_is_believed_in_a_simulated_bank(folder: Path) -> None:
    (folder / "data" / "truth").mkdir(parents=True)
    assert "campaign.no_model" in run("submit", "bind-card", "--as", "p-hq-strategist", "--bank", str(folder))[1]
    assert "rights.no_grant" in run("submit", "bind-card", "--as", "p-auditor", "--bank", str(folder))[1]
    bank = folder / "bank.yaml"
    bank.write_text(bank.read_text(encoding="utf-8") + "\nsignin: {demo: false}\n", encoding="utf-8")
    assert "signin.terminal" in run("submit", "bind-card", "--as", "p-hq-strategist", "--bank", str(folder))[1]


def test_while_nobody_has_a_role_the_bank_is_being_set_up(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_templates(tmp_path)
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", database_url)
    assert "campaign.no_model" in run("submit", "bind-card", "--bank", str(tmp_path))[1]
    code, output = run("account", "open", "first", "--bank", str(tmp_path), "--json")
    assert (code, len(last(output)["code"])) == (0, 23)


@pytest.mark.parametrize("before", [(), ("anna",)], ids=["nobody", "the first"])
def test_the_first_people_get_in_whoever_had_an_account_before(
    before: tuple[str, ...], tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bank").mkdir()
    bank = ("--bank", str(tmp_path / "bank"))
    write_templates(tmp_path / "bank")
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", database_url)
    codes = {}

    def did(*asked: str, stdin: str = "") -> Any:
        code, output = run(*asked, *bank, "--json", stdin=stdin)
        assert code == 0, output
        return last(output)

    def signed_in(person: str) -> None:
        did("signin", person, "--stdin", stdin=f"{codes.pop(person, PASSWORD)}\n{PASSWORD}\n")

    for person in before:
        codes[person] = did("account", "open", person)["code"]
    begun = did("rights", "begin", "anna", "bert")["codes"]
    assert set(begun) == {"anna", "bert"} - {*before}
    codes |= begun
    assert run("rights", "begin", "anna", "bert", *bank)[0] == 5
    signed_in("anna")
    grant = did("rights", "grant", "carl", "system_admin", "--as", "anna", "--reason", "first")["grants"][0]["grant"]
    signed_in("bert")
    did("rights", "approve", grant, "--as", "bert")
    assert "rights.not_allowed" in run("account", "open", "dora", "--as", "bert", *bank)[1]
    codes["carl"] = did("account", "open", "carl", "--as", "bert")["code"]
    assert "rights.not_allowed" in run("account", "open", "carl", "--as", "bert", *bank)[1]
    signed_in("carl")
    assert did("account", "open", "dora", "--as", "carl")["code"]


def test_a_bank_without_roles_refuses_nobody_and_says_so(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_templates(tmp_path)
    monkeypatch.setenv("BANKLOOP_DATABASE_URL", database_url)
    monkeypatch.setenv("BANKLOOP_LANG", "en")
    for words in (
        ("people", "list", "--as", "strategist"),
        ("rights", "list", "--as", "x"),
        ("messages",),
    ):
        code, output = run(*words, "--bank", str(tmp_path))
        assert (code, "rights.not_allowed" in output, "local mode" in output) == (0, False, True), (words, output)


def test_a_signin_block_that_cannot_be_is_told_with_its_line(folder: Path) -> None:
    bank = folder / "bank.yaml"
    plain = bank.read_text(encoding="utf-8")
    for block, said in {
        "signin: {totp: sometimes}": "optional",
        "signin: {nobody: 1}": "nobody",
        "signin: {oidc: {issuer: 'http://idp.example', client_id: x}}": "https",
        "signin: {ldap: {url: 'ldap://dc.example', person: 'uid={person}', start_tls: false}}": "ldaps",
        "signin: {ldap: {url: 'ldap://dc.example', person: 'uid=x'}}": "{person}",
        "signin: {demo: 'yes'}": "demo",
    }.items():
        bank.write_text(f"{plain}\n{block}\n", encoding="utf-8")
        code, output = run("signin", "p-auditor", "--bank", str(folder), "--stdin", stdin=f"{PASSWORD}\n")
        assert (block, code, output) == (block, 2, output)
        assert (code, "signin.settings" in output, said in output) == (2, True, True), output
        assert f"bank.yaml:{len(plain.splitlines()) + 2}" in output


def test_the_environment_is_left_as_it_was() -> None:
    assert who.TOKEN not in os.environ
