"""The rules of points without a bank: the file, what an event earns, the day on which points end."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.benefit.points import EarnRule, Expiry, ends_on, points_of, read_points
from bankloop.kit.errors import SpecError
from bankloop.kit.text import Text

CARD = EarnRule("card", Text("刷卡", "card"), "transaction", 1, 1_000, {4: 1_500_000}, "month", 25)


@given(st.integers(0, 10**12), st.sampled_from([None, 1, 4]))
def test_points_are_whole_and_follow_amount_and_tier(fen: int, tier: int | None) -> None:
    factor = 3 if tier == 4 else 2
    assert points_of(CARD, fen, tier) == fen // 1_000 * factor // 2


@pytest.mark.parametrize(
    ("expiry", "day", "ends"),
    [
        (Expiry("rolling", 1), date(2026, 1, 31), date(2026, 2, 28)),
        (Expiry("rolling", 1), date(2028, 1, 31), date(2028, 2, 29)),
        (Expiry("rolling", 12), date(2028, 2, 29), date(2029, 2, 28)),
        (Expiry("rolling", 24, "year"), date(2026, 3, 15), date(2029, 1, 1)),
        (Expiry("rolling", 3, "quarter"), date(2026, 10, 1), date(2027, 1, 1)),
        (Expiry("rolling", 3, "quarter"), date(2026, 10, 2), date(2027, 4, 1)),
        (Expiry("rolling", 1, "half"), date(2026, 6, 15), date(2027, 1, 1)),
        (Expiry("calendar", 0, "", ((12, 31),)), date(2026, 12, 31), date(2027, 1, 1)),
        (Expiry("calendar", 6, "", ((6, 30), (12, 31))), date(2026, 6, 30), date(2027, 1, 1)),
        (Expiry("calendar", 0, "", ((2, 29),)), date(2027, 1, 1), date(2027, 3, 1)),
        (Expiry("none"), date(2026, 1, 1), None),
    ],
)
def test_the_day_on_which_points_end(expiry: Expiry, day: date, ends: date | None) -> None:
    assert ends_on(expiry, day) == ends


FILE = """
title: {zh: 积分, en: points}
begins: 2026-01-01
pending_days: 0
expiry: {kind: rolling, months: 24, round_up: year}
taken_back: debt
grace_days: 30
worth_fen: 50
breakage: 0.2
earn:
  - {id: card, title: {zh: 刷卡, en: card}, event: transaction, each_yuan: 10, points: 1, tiers: {4: 1.5, 6: 3}, cap: {per: month, points: 2000}}
  - {id: first-wallet, title: {zh: 首绑, en: first}, event: first_wallet_payment, points: 200}
"""


def test_a_file_is_read_and_what_every_bank_begins_with_earns_nothing(tmp_path: Path) -> None:
    assert read_points(tmp_path).rules == ()
    (tmp_path / "points.yaml").write_text(FILE, encoding="utf-8")
    found = read_points(tmp_path)
    assert [one.rule_id for one in found.rules] == ["card", "first-wallet"]
    assert (found.rules[0].each_fen, found.rules[0].tiers) == (1_000, {4: 1_500_000, 6: 3_000_000})
    assert (found.rules[0].cap_per, found.rules[0].cap_points) == ("month", 2_000)


@pytest.mark.parametrize(
    ("was", "instead", "says"),
    [
        ("pending_days: 0", "pending_days: -1", "pending_days"),
        ("kind: rolling", "kind: sometimes", "expiry"),
        ("each_yuan: 10", "every_yuan: 10", "every_yuan"),
        ("points: 200", "points: 0.5", "points"),
        ("per: month", "per: week", "cap"),
        ("breakage: 0.2", "breakage: 2", "breakage"),
        ("begins: 2026-01-01", "begins: soon", "begins"),
        ("id: first-wallet", "id: card", "earn"),
        ("taken_back: debt", "taken_back: perhaps", "taken_back"),
        ("zh: ", "cn: ", "title"),
    ],
)
def test_a_file_that_says_something_impossible_is_refused_with_its_place(
    tmp_path: Path, was: str, instead: str, says: str
) -> None:
    assert was in FILE
    (tmp_path / "points.yaml").write_text(FILE.replace(was, instead), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_points(tmp_path)
    assert "points.yaml:" in caught.value.message.en
    assert says in caught.value.message.en
