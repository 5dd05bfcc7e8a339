"""The commands on benefits: pools, a grant redeemed, returned, ended; after all of it the ledger is right."""

from __future__ import annotations

import re
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

import bankloop
from bankloop.benefit.grants import grant_benefits
from bankloop.kit.clock import SystemClock
from bankloop.organization.principals import system
from bankloop.store.database import open_store
from bankloop.view.format import masked_number
from tests.benefit.test_grants import asked, number
from tests.cli.test_people import bank, run
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


# What half of the customers are expected to redeem.
COUPON = """
  - key: coupon
    title: {zh: 券, en: Coupon}
    kind: coupon
    face: 60 CNY
    stock: 100
    reserve: expected
    redemption: 50%
"""


@pytest.fixture
def given(bank: Path, folk: Folk) -> Path:
    """Five grants of 30 yuan of a budget of 160: with the fifth, six yuan in a hundred and sixty are left."""
    files = Path(bankloop.__file__).parent / "simulate" / "bank"
    shutil.copytree(files, bank, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bank.yaml"))
    with (bank / "benefits.yaml").open("a", encoding="utf-8") as written:
        written.write(COUPON)
    with open_store(bank, SystemClock()) as store, store.begin(system("benefit")) as connection:
        outcome = grant_benefits(connection, asked(range(6)), {"x:1": 16_000}, {"coupon": 100})
        assert outcome["granted"].to_pylist() == [True] * 5 + [False]
    return bank


def test_a_grant_s_life_by_commands_and_the_ledger_is_right(given: Path, folk: Folk) -> None:
    strategist, owner = ("--as", folk.roles["hq_strategist"]), ("--as", folk.roles["benefit_owner"])
    shown = run(given, "benefit", "show", number(0), *strategist)[1]
    assert (shown["life"], shown["customer_no"]) == ("issued", masked_number("C0"))
    assert shown["customer_no"] != "C0"
    assert run(given, "benefit", "redeem", number(0), "--order", "o1", *strategist)[1]["life"] == "redeemed"
    assert run(given, "benefit", "redeem", number(1), "--order", "o2", *strategist)[1]["life"] == "redeemed"
    code, refused = run(given, "benefit", "redeem", number(0), "--order", "o3", *strategist)
    assert (code, refused["error"]["code"]) == (5, "benefit.not_open")
    assert run(given, "benefit", "return", number(1), "--reason", "came back", *strategist)[1]["life"] == "returned"
    assert run(given, "benefit", "return", number(2), "--reason", "unwanted", *strategist)[1]["life"] == "returned"
    assert run(given, "benefit", "expire", "--through", "2026-06-29", *owner)[1]["expired"] == 0
    assert run(given, "benefit", "expire", "--through", "2026-06-30", *owner)[1]["expired"] == 2
    assert run(given, "benefit", "show", number(4), *strategist)[1]["life"] == "expired"
    found = {one["pool"]["asset"]: one for one in run(given, "benefit", "pools", *strategist)[1]["pools"]}
    told = {
        asset: (one["pool"]["committed"], one["pool"]["spent"], one["released"], one["left"])
        for asset, one in found.items()
    }
    assert told == {"budget": (0, 9_000, 6_000, 7_000), "stock": (0, 1, 4, 99)}
    assert run(given, "ledger", "check", *strategist)[1] == {"right": True, "wrong": []}


def test_a_pool_says_when_it_is_nearly_empty_and_when_it_will_be(given: Path, folk: Folk) -> None:
    money, pieces = run(given, "benefit", "pools", "--as", folk.roles["benefit_owner"])[1]["pools"]
    assert (money["pool"]["approved"], money["left"], money["near"]) == (16_000, 1_000, True)
    assert (pieces["left"], pieces["near"]) == (95, False)
    # Five a day: of 95 pieces there are nineteen days, of the money's rest less than one.
    days = [re.sub(r"T.*", "", one["empty_on"]) for one in (money, pieces)]
    assert days[0] < days[1]
    assert money["since"] < days[0]


def test_doctor_names_what_comes_to_its_end_before_it_does(given: Path) -> None:
    def said() -> dict[str, Any]:
        return next(one for one in run(given, "doctor")[1]["findings"] if one["check"] == "benefits")

    assert said()["ok"] is True
    assert said()["reason"]["en"] == "a tenth or less is left of budget x:1"
    with open_store(given, SystemClock()) as store, store.begin(system("benefit")) as connection:
        grant_benefits(connection, asked([7]), {"x:1": 30_000}, {"coupon": 100})
    assert said()["reason"]["en"] == "no budget or stock of benefits comes to its end"


def test_who_may_not_is_refused(given: Path, folk: Folk) -> None:
    manager, strategist = ("--as", folk.roles["relationship_manager"]), ("--as", folk.roles["hq_strategist"])
    for who, words in (
        (manager, ("redeem", number(0), "--order", "o1")),
        (manager, ("return", number(0), "--reason", "x")),
        (manager, ("pools",)),
        (strategist, ("expire", "--through", "2026-06-30")),
    ):
        code, refused = run(given, "benefit", *words, *who)
        assert (code, refused["error"]["code"]) == (4, "rights.not_allowed"), words


def test_of_two_tills_at_once_one_redeems(given: Path, folk: Folk) -> None:
    """Two transactions of the same bank through the door that the command goes through, at the same moment."""
    from bankloop.benefit.grants import redeem_grant
    from bankloop.kit.errors import ConflictError

    start, told = threading.Barrier(2), []

    def till(at: int) -> None:
        start.wait()
        try:
            with open_store(given, SystemClock()) as store, store.begin(system("till")) as connection:
                told.append(redeem_grant(connection, number(0), f"order {at}").life.value)
        except ConflictError as error:
            told.append(error.code)

    threads = [threading.Thread(target=till, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["benefit.not_open", "redeemed"]
    assert run(given, "ledger", "check", "--as", folk.roles["hq_strategist"])[1]["right"] is True
