"""Money, identifiers, texts, clocks and the tree of errors."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

import bankloop
from bankloop.kit.clock import local_day, local_moment
from bankloop.kit.errors import BankloopError, ConflictError, InputError, LockedError, SpecError
from bankloop.kit.ids import cell_bucket, digest, uuid7
from bankloop.kit.money import Money, parse_money, say_fen, to_fen
from bankloop.kit.text import Language, Text

MS = 1_780_000_000_000


def test_a_uuid_is_of_version_7_and_holds_its_moment() -> None:
    made = uuid7(MS * 2)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == MS * 2


def test_uuids_rise_even_when_the_clock_stands_still_or_steps_back() -> None:
    made = [uuid7(MS * 2) for _ in range(10_000)] + [uuid7(MS - 1_000) for _ in range(100)]
    assert made == sorted(set(made))


def test_uuids_of_many_threads_are_all_different() -> None:
    made: list[object] = []
    threads = [threading.Thread(target=lambda: made.extend(uuid7(MS) for _ in range(2_000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_a_cell_is_sticky_and_changes_with_its_salt() -> None:
    # Stored for years: these very numbers may never change.
    assert cell_bucket("holdout", "C0000001") == cell_bucket("holdout", "C0000001")
    numbers = [f"C{i:07d}" for i in range(2_000)]
    one, other = ([cell_bucket(salt, number) for number in numbers] for salt in ("holdout", "explore"))
    assert one == [cell_bucket("holdout", number) for number in numbers]
    assert sum(a == b for a, b in zip(one, other, strict=True)) <= 2


def test_cells_are_uniform_and_two_salts_independent() -> None:
    numbers = [f"C{i:07d}" for i in range(50_000)]
    one, other = ([cell_bucket(salt, number) for number in numbers] for salt in ("holdout", "explore"))
    counts, pairs = [0] * 100, [0] * 100
    for a, b in zip(one, other, strict=True):
        assert 0 <= a < 1_000_000
        counts[a // 10_000] += 1
        pairs[a // 100_000 * 10 + b // 100_000] += 1
    assert chisquare(counts).pvalue > 0.001
    assert chisquare(pairs).pvalue > 0.001


def test_a_digest_knows_no_order_of_keys_but_every_value() -> None:
    assert digest({"a": 1, "b": date(2026, 1, 2)}) == digest({"b": date(2026, 1, 2), "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    with pytest.raises(TypeError, match="no canonical JSON for object"):
        digest(object())


@pytest.mark.parametrize(
    ("written", "money"),
    [
        ("15000 CNY", Money(1_500_000)),
        ("0.045", Money(5)),
        (0.045, Money(5)),
        ("1,000.5", Money(100_050)),
        ("-3 USD", Money(-300, "USD")),
        (20, Money(2_000)),
    ],
)
def test_money_is_read_as_people_write_it(written: str | float, money: Money) -> None:
    assert parse_money(written) == money


@pytest.mark.parametrize("written", ["", "many", "5 yuan", "1e5", "5%", "1.2.3", "1,5", "1.234,56", "1_5", "12,34 CNY"])
def test_what_is_no_amount_is_refused_with_the_right_form(written: str) -> None:
    with pytest.raises(InputError, match="is not an amount; write 15000 CNY"):
        parse_money(written)


def test_an_amount_beyond_any_bank_is_refused() -> None:
    with pytest.raises(InputError, match="outside"):
        to_fen("100000000000001")


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_rounding_moves_an_amount_by_half_a_fen_at_most(amount: Decimal) -> None:
    assert abs(Decimal(to_fen(amount)) - amount * 100) <= Decimal("0.5")
    assert to_fen(-amount) == -to_fen(amount)


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (0, "¥0", "¥0"),
        (5, "¥0.05", "¥0.05"),
        (1_050, "¥10.50", "¥10.50"),
        (123_400, "¥1,234", "¥1,234"),
        (1_500_000, "¥1.50万", "¥15.00k"),
        (-1_500_000, "−¥1.50万", "−¥15.00k"),
        (250_000_000, "¥250.0万", "¥2.50M"),
        (12_345_678_900, "¥1.23亿", "¥123.5M"),
    ],
)
def test_amounts_are_said_in_both_languages(fen: int, zh: str, en: str) -> None:
    assert say_fen(fen, Language.ZH) == zh
    assert say_fen(fen, Language.EN) == en
    assert Money(fen).say(Language.EN) == en


def test_a_text_is_filled_in_each_language() -> None:
    text = Text("{kind}“{name}”", "{kind} '{name}'").filled(kind=Text("渠道", "channel"), name="sms")
    assert (text.say(Language.ZH), text.say(Language.EN)) == ("渠道“sms”", "channel 'sms'")


def test_a_day_is_the_bank_s_and_a_moment_is_utc() -> None:
    assert local_day(datetime(2026, 6, 30, 16, 30, tzinfo=UTC), "Asia/Shanghai") == date(2026, 7, 1)
    assert local_moment(date(2026, 7, 1), 9, 0, "Asia/Shanghai") == datetime(2026, 7, 1, 1, tzinfo=UTC)


def tree(kind: type[BankloopError]) -> Iterator[type[BankloopError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def test_every_error_has_a_status_and_an_exit_code_of_its_own_branch() -> None:
    for module in pkgutil.walk_packages(bankloop.__path__, "bankloop."):
        if module.name.endswith("errors"):
            importlib.import_module(module.name)
    found = set(tree(BankloopError))
    assert len(found) >= 10
    for kind in found - {BankloopError}:
        assert 400 <= kind.http_status < 600, kind
        assert 2 <= kind.exit_code <= 7, kind
    assert issubclass(LockedError, ConflictError)
    assert (SpecError.http_status, SpecError.exit_code, LockedError.exit_code) == (422, 2, 6)


def test_an_error_is_one_sentence_everywhere() -> None:
    error = SpecError("spec.x", Text("{place}：不对", "{place}: not right"), place="a.yaml:3")
    assert str(error) == "[spec.x] a.yaml:3: not right"
    assert error.as_dict() == {
        "code": "spec.x",
        "zh": "a.yaml:3：不对",
        "en": "a.yaml:3: not right",
        "fields": {"place": "a.yaml:3"},
    }
    assert error.say(Language.ZH) == "a.yaml:3：不对"
