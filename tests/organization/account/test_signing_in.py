"""Signing in: codes, passwords, second factors, locks, sessions and their ends, machines."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.kit.errors import ConflictError, DeniedError, InputError, SignInError
from bankloop.organization import account
from bankloop.organization.account import SignInSettings, SignInStep, rules, signing_in
from bankloop.organization.account.accounts import account_of, use_code
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from tests.organization.account.conftest import PASSWORD, Hand

OPEN = SignInSettings()


def read(store: Store, token: str) -> account.Session | None:
    with store.begin(account.SIGN_IN) as connection:
        return account.read_session(connection, token)


def refused(store: Store, person: str, password: str) -> str:
    with pytest.raises(SignInError) as caught:
        account.sign_in(store, OPEN, person, password)
    return caught.value.code


def test_a_first_code_serves_once_and_only_to_choose_a_password(moving: Store) -> None:
    with moving.begin(account.SIGN_IN) as connection:
        code = account.open_account(connection, "wang")
    first = account.sign_in(moving, OPEN, "wang", code.lower())
    assert first.session.step is SignInStep.CHANGE
    assert refused(moving, "wang", code) == "signin.wrong"
    done = account.change_password(moving, OPEN, first.session, None, PASSWORD)
    assert done.session.step is SignInStep.FULL
    assert done.token != first.token
    assert read(moving, first.token) is None
    assert account.sign_in(moving, OPEN, "wang", PASSWORD).session.step is SignInStep.FULL


def test_a_first_code_is_over_after_a_day(moving: Store, hand: Hand) -> None:
    with moving.begin(account.SIGN_IN) as connection:
        code = account.open_account(connection, "wang")
    hand.on(timedelta(hours=24))
    assert refused(moving, "wang", code) == "signin.wrong"


def test_nobody_learns_what_was_wrong(moving: Store) -> None:
    assert {refused(moving, "nobody", PASSWORD), refused(moving, "li", "x" * 20)} == {"signin.wrong"}


@pytest.mark.parametrize("person", ["nobody", "li", "wang"])
def test_every_name_costs_one_hash(moving: Store, monkeypatch: pytest.MonkeyPatch, person: str) -> None:
    with moving.begin(account.SIGN_IN) as connection:
        account.open_account(connection, "wang")
        account.set_password(connection, "wang", PASSWORD)
        account.close_account(connection, "wang")
    spent: list[str | None] = []
    real = signing_in.verified
    monkeypatch.setattr(signing_in, "verified", lambda kept, given: spent.append(kept) or real(kept, given))
    for tries in range(1, 9):  # the last of them on an account that is locked
        assert refused(moving, person, "wrong wrong wrong") == "signin.wrong"
        assert len(spent) == tries


def test_five_wrong_tries_lock_and_each_further_one_longer(moving: Store, hand: Hand) -> None:
    codes = [refused(moving, "li", "wrong wrong wrong") for _ in range(5)]
    assert codes == ["signin.wrong"] * 5
    assert refused(moving, "li", PASSWORD) == "signin.wrong"  # the right one does not open a locked account
    hand.on(timedelta(minutes=1))
    assert refused(moving, "li", "wrong wrong wrong") == "signin.wrong"
    hand.on(timedelta(minutes=1))
    assert refused(moving, "li", PASSWORD) == "signin.wrong"
    hand.on(timedelta(minutes=1))
    assert account.sign_in(moving, OPEN, "li", PASSWORD).session.step is SignInStep.FULL
    assert refused(moving, "li", "wrong wrong wrong") == "signin.wrong"  # and the count begins anew


@given(st.integers(0, 10_000))
def test_a_lock_never_gets_shorter_nor_endless(failures: int) -> None:
    now, then = rules.lock_for(failures), rules.lock_for(failures + 1)
    assert (now is None) == (failures < rules.FREE_FAILURES)
    assert (now or timedelta(0)) <= (then or timedelta(0)) <= rules.LONGEST_LOCK


@pytest.mark.parametrize(
    "password", ["short", "x" * 129, "aaaaaaaaaaaaaaaa", "li-is-my-own-name", "Password-2026-spring"]
)
def test_weak_passwords_are_refused(moving: Store, password: str) -> None:
    with pytest.raises(InputError) as caught, moving.begin(account.SIGN_IN) as connection:
        account.set_password(connection, "li", password)
    assert caught.value.code == "signin.weak_password"


def test_a_session_idles_out_and_has_an_absolute_end(moving: Store, hand: Hand) -> None:
    token = account.sign_in(moving, OPEN, "li", PASSWORD).token
    for _ in range(24):
        hand.on(timedelta(minutes=29))
        assert read(moving, token) is not None
    hand.on(timedelta(minutes=29))
    assert read(moving, token) is None  # 12 hours
    token = account.sign_in(moving, OPEN, "li", PASSWORD).token
    hand.on(rules.IDLE)
    assert read(moving, token) is None


def test_a_session_ends_at_once_for_everybody_who_reads_it(moving: Store) -> None:
    opened = account.sign_in(moving, OPEN, "li", PASSWORD)
    other = account.sign_in(moving, OPEN, "li", PASSWORD)
    with moving.begin(account.SIGN_IN) as connection:
        assert account.end_session(connection, opened.session.session_id)
    assert read(moving, opened.token) is None
    assert read(moving, other.token) is not None
    with moving.begin(account.SIGN_IN) as connection:
        account.close_account(connection, "li", "left")
    assert read(moving, other.token) is None
    assert refused(moving, "li", PASSWORD) == "signin.wrong"


def test_a_new_password_ends_every_other_session(moving: Store) -> None:
    here, there = (account.sign_in(moving, OPEN, "li", PASSWORD) for _ in range(2))
    kept = account.change_password(moving, OPEN, here.session, PASSWORD, "another six words of nothing")
    assert read(moving, kept.token) is not None
    assert read(moving, there.token) is None
    assert read(moving, here.token) is None
    with pytest.raises(SignInError):
        account.change_password(moving, OPEN, kept.session, PASSWORD, "yet another six words")


def enrolled(store: Store, hand: Hand) -> pyotp.TOTP:
    opened = account.sign_in(store, OPEN, "li", PASSWORD)
    with store.begin(account.SIGN_IN) as connection:
        secret = account.begin_totp(connection, "li")
    factor = pyotp.TOTP(secret)
    assert (
        account.sign_in(store, OPEN, "li", PASSWORD).session.step is SignInStep.FULL
    )  # not in force before its first code
    account.confirm_factor(store, OPEN, opened.session, factor.at(hand.at))
    hand.on(timedelta(seconds=60))
    return factor


def test_a_second_factor_is_asked_for_and_no_code_counts_twice(moving: Store, hand: Hand) -> None:
    factor = enrolled(moving, hand)
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    assert half.session.step is SignInStep.CODE
    code = factor.at(hand.at)
    whole = account.give_code(moving, OPEN, half.session, code)
    assert whole.session.step is SignInStep.FULL
    assert read(moving, half.token) is None
    again = account.sign_in(moving, OPEN, "li", PASSWORD)
    for stale in (code, factor.at(hand.at - timedelta(seconds=30))):
        with pytest.raises(SignInError):
            account.give_code(moving, OPEN, again.session, stale)
    hand.on(timedelta(seconds=30))
    assert account.give_code(moving, OPEN, again.session, factor.at(hand.at)).session.step is SignInStep.FULL


def test_wrong_codes_lock_like_wrong_passwords(moving: Store, hand: Hand) -> None:
    enrolled(moving, hand)
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    codes = []
    for _ in range(6):
        with pytest.raises(SignInError) as caught:
            account.give_code(moving, OPEN, half.session, "not-a-code")
        codes.append(caught.value.code)
    assert codes == ["signin.wrong"] * 4 + ["signin.locked"] * 2


def test_the_first_factor_does_not_forgive_the_second(moving: Store, hand: Hand) -> None:
    factor = enrolled(moving, hand)
    answers = []
    for _ in range(120):
        try:
            half = account.sign_in(moving, OPEN, "li", PASSWORD)
        except SignInError as error:
            answers.append(error.code)
            continue
        with pytest.raises(SignInError) as caught:
            account.give_code(moving, OPEN, half.session, "000000")
        answers.append(caught.value.code)
    assert answers == ["signin.wrong"] * 4 + ["signin.locked"] + ["signin.wrong"] * 115
    hand.on(rules.FIRST_LOCK)
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    with pytest.raises(SignInError) as caught:
        account.give_code(moving, OPEN, half.session, "000000")
    assert caught.value.code == "signin.locked"  # and at once: the count stands
    hand.on(2 * rules.FIRST_LOCK)
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    assert account.give_code(moving, OPEN, half.session, factor.at(hand.at)).session.step is SignInStep.FULL
    hand.on(timedelta(minutes=1))
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    with pytest.raises(SignInError) as caught:
        account.give_code(moving, OPEN, half.session, "000000")
    assert caught.value.code == "signin.wrong"  # the last proof cleared it


def test_wrong_passwords_are_forgiven_by_the_code_alone(moving: Store, hand: Hand) -> None:
    factor = enrolled(moving, hand)
    for _ in range(4):
        refused(moving, "li", "wrong wrong wrong")
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    assert refused(moving, "li", "wrong wrong wrong") == "signin.wrong"
    with pytest.raises(SignInError) as caught:  # that was the fifth
        account.give_code(moving, OPEN, half.session, factor.at(hand.at))
    assert caught.value.code == "signin.locked"


def test_a_session_alone_changes_no_factor(moving: Store, hand: Hand) -> None:
    factor = enrolled(moving, hand)
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    opened = account.give_code(moving, OPEN, half.session, factor.at(hand.at))
    hand.on(timedelta(minutes=1))
    for password, code in (("", ""), (PASSWORD, ""), ("", factor.at(hand.at)), (PASSWORD, "000000")):
        with pytest.raises(SignInError):
            account.begin_factor(moving, OPEN, opened.session, password, code)
        assert account.sign_in(moving, OPEN, "li", PASSWORD).session.step is SignInStep.CODE
    secret = account.begin_factor(moving, OPEN, opened.session, PASSWORD, factor.at(hand.at))
    hand.on(timedelta(minutes=1))
    half = account.sign_in(moving, OPEN, "li", PASSWORD)  # the one before is in force until the new one is confirmed
    account.give_code(moving, OPEN, half.session, factor.at(hand.at))
    account.confirm_factor(moving, OPEN, opened.session, pyotp.TOTP(secret).at(hand.at))
    hand.on(timedelta(minutes=1))
    half = account.sign_in(moving, OPEN, "li", PASSWORD)
    with pytest.raises(SignInError):
        account.give_code(moving, OPEN, half.session, factor.at(hand.at))
    assert account.give_code(moving, OPEN, half.session, pyotp.TOTP(secret).at(hand.at)).session.step is SignInStep.FULL


def test_a_step_of_setting_up_does_not_outlive_the_factor(moving: Store, hand: Hand) -> None:
    early = account.sign_in(moving, SignInSettings(totp="required"), "li", PASSWORD)
    assert early.session.step is SignInStep.ENROL
    enrolled(moving, hand)
    with pytest.raises(SignInError):
        account.begin_factor(moving, OPEN, early.session, "", "")


def test_a_locked_account_changes_neither_password_nor_factor(moving: Store) -> None:
    opened = account.sign_in(moving, OPEN, "li", PASSWORD)
    for _ in range(5):
        refused(moving, "li", "wrong wrong wrong")
    for change in (
        lambda: account.change_password(moving, OPEN, opened.session, PASSWORD, "another six words of nothing"),
        lambda: account.begin_factor(moving, OPEN, opened.session, PASSWORD, ""),
        lambda: account.confirm_factor(moving, OPEN, opened.session, "000000"),
    ):
        with pytest.raises(SignInError) as caught:
            change()
        assert caught.value.code == "signin.locked"


def test_of_two_uses_of_one_code_at_once_one_is_right(moving: Store, hand: Hand) -> None:
    factor = enrolled(moving, hand)
    start = threading.Barrier(2)

    def use(_: int) -> bool:
        start.wait()
        with moving.begin(account.SIGN_IN) as connection:
            return use_code(connection, "li", factor.at(hand.at))

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, range(2))) == [False, True]


def test_the_second_factor_lies_sealed_and_no_password_or_token_at_all(moving: Store, hand: Hand) -> None:
    factor = enrolled(moving, hand)
    opened = account.sign_in(moving, OPEN, "li", PASSWORD)
    with moving.begin(account.SIGN_IN) as connection:
        kept = " ".join(
            str(row)
            for table in ("account", "session", "audit_text")
            for row in connection.execute(text(f"SELECT * FROM {table}" if table != "audit_text" else "SELECT 1"))
        )
    for secret in (factor.secret, PASSWORD, opened.token):
        assert secret not in kept


def test_a_required_second_factor_is_set_up_before_anything_else(moving: Store) -> None:
    strict = SignInSettings(totp="required")
    assert account.sign_in(moving, strict, "li", PASSWORD).session.step is SignInStep.ENROL


def test_a_subject_belongs_to_one_person(moving: Store) -> None:
    with moving.begin(account.SIGN_IN) as connection:
        account.bind_subject(connection, "li", "idp|1")
    with pytest.raises(ConflictError), moving.begin(account.SIGN_IN) as connection:
        account.bind_subject(connection, "wang", "idp|1")
    assert account.sign_in_subject(moving, OPEN, "idp|1").session.person_id == "li"
    with pytest.raises(SignInError):
        account.sign_in_subject(moving, OPEN, "idp|2")


def test_nobody_switches_person_outside_of_a_demo(moving: Store) -> None:
    with pytest.raises(SignInError):
        account.switch_person(moving, OPEN, "li")
    assert account.switch_person(moving, SignInSettings(demo=True), "li").session.person_id == "li"


def test_one_person_does_not_see_another_s_account_or_session(moving: Store) -> None:
    account.sign_in(moving, OPEN, "li", PASSWORD)
    for person, seen in (("li", 1), ("wang", 0), ("", 0)):
        with moving.begin(Principal(person, rights=frozenset())) as connection:
            for table in ("account", "session"):
                assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == seen, (person, table)
    reader = Principal("wang", rights=frozenset({"account.read"}))
    with pytest.raises(DeniedError), moving.begin(reader) as connection:
        connection.execute(text("UPDATE account SET state = 'active'"))


def test_the_auditor_reads_who_may_sign_in_and_no_digest(moving: Store) -> None:
    auditor = Principal("zhou", frozenset({"auditor"}), (), "audit")
    with moving.begin(auditor, Role.AUDITOR) as connection:
        assert connection.execute(text("SELECT person_id, state FROM account")).all() == [("li", "active")]
    for column in ("password_hash", "totp_secret", "code_digest"):
        with pytest.raises(DeniedError), moving.begin(auditor, Role.AUDITOR) as connection:
            connection.execute(text(f"SELECT {column} FROM account"))


def test_an_api_key_works_until_revoked_or_expired(moving: Store, hand: Hand) -> None:
    with moving.begin(account.SIGN_IN) as connection:
        made, secret = account.make_machine(connection, "key", "li", "nightly", ["read"])
        found = account.read_credential(connection, secret)
        assert found is not None
        assert (found.person_id, found.scopes) == ("li", {"read"})
        assert account.read_credential(connection, secret[:-1] + "!") is None
        account.revoke_machine(connection, made.machine_id)
        assert account.read_credential(connection, secret) is None
        _, second = account.make_machine(connection, "key", "li", "nightly", ["read"])
    hand.on(timedelta(days=90))
    with moving.begin(account.SIGN_IN) as connection:
        assert account.read_credential(connection, second) is None


def test_a_secret_is_rotated_without_standing_still(moving: Store, hand: Hand) -> None:
    with moving.begin(account.SIGN_IN) as connection:
        made, old = account.make_machine(connection, "key", "li", "nightly", ["read"])
        new = account.rotate_secret(connection, made.machine_id, timedelta(hours=1))
        assert account.read_credential(connection, old) is not None
        assert account.read_credential(connection, new) is not None
    hand.on(timedelta(hours=1))
    with moving.begin(account.SIGN_IN) as connection:
        assert account.read_credential(connection, old) is None
        assert account.read_credential(connection, new) is not None


def test_client_credentials_give_a_short_token_within_the_client_s_scopes(moving: Store, hand: Hand) -> None:
    with moving.begin(account.SIGN_IN) as connection:
        made, secret = account.make_machine(connection, "client", "li", "gateway", ["read", "write"])
        token, caller = account.issue_token(connection, made.machine_id, secret, ["read"])
        assert caller.scopes == {"read"}
        assert account.read_credential(connection, token) == caller
        assert account.read_credential(connection, secret) is None  # a client's secret is no key
    for client, proof, scopes in (
        (made.machine_id, secret, ["audit"]),
        (made.machine_id, "blc_wrong", None),
        ("blc_other", secret, None),
    ):
        with pytest.raises((SignInError, InputError)), moving.begin(account.SIGN_IN) as connection:
            account.issue_token(connection, client, proof, scopes)
    hand.on(account.TOKEN_LIFE)
    with moving.begin(account.SIGN_IN) as connection:
        assert account.read_credential(connection, token) is None


def test_an_account_is_locked_unlocked_and_reset_by_administrators(moving: Store) -> None:
    opened = account.sign_in(moving, OPEN, "li", PASSWORD)
    with moving.begin(account.SIGN_IN) as connection:
        account.lock_account(connection, "li", "lost laptop")
    assert read(moving, opened.token) is None
    assert refused(moving, "li", PASSWORD) == "signin.wrong"
    with moving.begin(account.SIGN_IN) as connection:
        account.unlock_account(connection, "li")
    assert account.sign_in(moving, OPEN, "li", PASSWORD).session.step is SignInStep.FULL
    with moving.begin(account.SIGN_IN) as connection:
        code = account.reset_account(connection, "li", "forgot")
        found = account_of(connection, "li")
    assert found is not None
    assert not found.has_password
    assert account.sign_in(moving, OPEN, "li", code).session.step is SignInStep.CHANGE
