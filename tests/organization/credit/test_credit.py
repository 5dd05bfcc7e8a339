"""Credit: a joint sale is split over people and lines, never above the whole, whoever writes at the same time."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError, ConflictError, DeniedError, InputError
from bankloop.organization.principals import auditor, system
from bankloop.performance.credit import (
    WHOLE,
    Share,
    credited_fen,
    credits_of,
    deals_of,
    read_shares,
    record_deal,
    scorecards,
)
from bankloop.store.contracts import Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from tests.organization.conftest import Folk

DAY, FROM, TO = date(2026, 6, 30), date(2026, 1, 1), date(2026, 12, 31)


def joint(folk: Folk, key: str = "D1", amount: int = 100_001, who: str = "sub_branch_head", **shares: str) -> None:
    said = {staff: ("corporate" if staff == "M00003" else "retail", words) for staff, words in shares.items()}
    with folk.store.begin(folk.who(who, "tasks" if who != "hq_strategist" else "campaign")) as connection:
        record_deal(connection, key, "C0000", "S0001", "loan", amount, DAY, read_shares(said))


@pytest.mark.capability("A24")
def test_a_joint_sale_is_credited_sixty_to_forty_and_never_above_one(folk: Folk, store: Store) -> None:
    joint(folk, M00001="0.6", M00003="0.4")
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        cards = {one.staff_id: one for one in scorecards(connection, FROM, TO)}
        assert (cards["M00001"].share_ppm, cards["M00003"].share_ppm) == (600_000, 400_000)
        assert cards["M00001"].amount_fen + cards["M00003"].amount_fen <= 100_001
        ((deal, share),) = credits_of(connection, "M00003", FROM, TO)
        assert (deal.source_key, deal.customer_no, share.line, share.share_ppm) == ("D1", "C0000", "corporate", 400_000)
    with pytest.raises(ConflictError) as caught:
        joint(folk, M00002="0.1")
    assert caught.value.code == "credit.above_whole"
    with pytest.raises(ConflictError):
        joint(folk, "D2", M00001="0.7", M00002="0.4")
    with store.begin(system()) as connection:
        assert connection.scalar(text("SELECT count(*) FROM credit_deal")) == 1  # a refused deal leaves nothing


@given(st.integers(0, 10**15), st.lists(st.integers(1, WHOLE), max_size=12))
def test_fen_never_come_to_more_than_the_deal(amount: int, asked: list[int]) -> None:
    given_, left = [], WHOLE
    for share in asked:
        if share <= left:
            given_.append(share)
            left -= share
    assert sum(credited_fen(amount, share) for share in given_) <= amount


@given(st.lists(st.decimals(0, 2, places=6), min_size=1, max_size=6))
def test_shares_that_are_read_are_at_most_the_whole(said: list[object]) -> None:
    words = {f"M{place}": ("retail", str(share)) for place, share in enumerate(said)}
    try:
        shares: tuple[Share, ...] = read_shares(words)
    except BankloopError:
        shares = ()
    assert sum(one.share_ppm for one in shares) <= WHOLE
    assert all(one.share_ppm > 0 for one in shares)


@pytest.mark.parametrize(
    "words",
    ["", "0", "-0.1", "1.1", "nan", "inf", "1e99999999", "1e999999999999999999999", "1e-99999999", "0.0000001", "half"],
)
def test_what_is_no_share_is_refused(words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_shares({"M1": ("retail", words)})
    assert caught.value.code == "credit.share"


def test_many_who_credit_at_once_never_pass_the_whole(
    folk: Folk, store: Store, store_server: EmbeddedServer, database: str, clock: FixedClock
) -> None:
    joint(folk, L00001="0.1")
    who, passed, refused = folk.who("sub_branch_head", "tasks"), [], []

    def one(staff: str) -> None:
        with attach_store(store.folder, clock, store_server, database) as mine:
            try:
                with mine.begin(who) as connection:
                    record_deal(
                        connection, "D1", "C0000", "S0001", "loan", 1, DAY, read_shares({staff: ("retail", "0.4")})
                    )
                passed.append(staff)
            except ConflictError:
                refused.append(staff)

    threads = [threading.Thread(target=one, args=(staff,)) for staff in ("M00001", "M00002", "M00003", "M00004")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), len(refused)) == (2, 2)
    with store.begin(system()) as connection:
        deal = connection.execute(text("SELECT deal_id, credited_ppm FROM credit_deal")).one()
        assert deal.credited_ppm == sum(one.share_ppm for one in deals_of(connection, deal.deal_id)) == 900_000


def test_the_database_itself_holds_the_whole(folk: Folk, store: Store) -> None:
    joint(folk, M00001="0.6", M00003="0.4")
    with pytest.raises((IntegrityError, BankloopError)), store.begin(system()) as connection:
        connection.execute(text("INSERT INTO credit_share SELECT deal_id, 'X', 'retail', 1, 'S0001' FROM credit_deal"))


def test_each_sees_the_own_and_a_leader_the_unit_s(folk: Folk, store: Store) -> None:
    joint(folk, M00001="0.6", M00003="0.4")
    manager = folk.roles["relationship_manager"]
    with store.begin(folk.who(manager, "service")) as connection:
        assert {one.staff_id for one in scorecards(connection, FROM, TO)} <= {manager}
        assert credits_of(connection, "M00003", FROM, TO) == ()
    with store.begin(folk.who("sub_branch_head", "tasks")) as connection:
        assert {one.staff_id for one in scorecards(connection, FROM, TO)} == {"M00001"}
    with pytest.raises(DeniedError):
        joint(folk, "D3", who="relationship_manager", M00001="1")
    with store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'credit.record'")) == 1
