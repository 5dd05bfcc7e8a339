"""A document that cannot be one links nobody and goes to the steward with its reason; the rule in Python is the one in SQL."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bankloop.customer import identity
from bankloop.customer.identity.plausible import DOUBTS, TRUSTED, Doubt, check_digit, doubt_of, valid_card
from bankloop.kit.text import Language
from bankloop.store.database import Store
from tests.customer.conftest import PROGRAM, STEWARD, Load, linked, person

CARD = "110105199005041017"


@pytest.mark.parametrize(
    ("kind", "number", "why"),
    [
        ("id_card", CARD, None),
        ("id_card", "11010519900504123X", Doubt.CHECK_DIGIT),
        ("id_card", "110105199005041018", Doubt.CHECK_DIGIT),
        ("id_card", "110105199002301014", Doubt.NO_DAY),
        ("id_card", "111111111111111111", Doubt.REPEATED),
        ("id_card", "123456789012345678", Doubt.TYPED),
        ("id_card", "11010519900504101", Doubt.SHAPE),
        ("id_card", "WUZHENGJIAN", Doubt.WORD),
        ("passport", "EK4193857", None),
        ("passport", "C4KT07X21", None),
        ("passport", "UNKNOWN", Doubt.WORD),
        ("passport", "E00000000", Doubt.REPEATED),
        ("passport", "E12345678", Doubt.TYPED),  # pragma: allowlist secret
        ("passport", "TEST1", Doubt.SHAPE),
        ("passport", "A12", Doubt.SHAPE),
        # 62… is a card's number, whose last digit is checked; another account's is not.
        ("account", "6222020200112233440", Doubt.CHECK_DIGIT),
        ("account", "6222020200112233446", None),
        ("account", "4000020009200000001", None),
        ("account", "0000000000000000", Doubt.REPEATED),
        ("phone", "11111111", None),
    ],
)
def test_what_can_be_a_document_and_what_cannot(kind: str, number: str, why: Doubt | None) -> None:
    assert doubt_of(kind, number) is why


def test_every_doubt_is_said_in_both_languages() -> None:
    assert set(DOUBTS) == set(Doubt)
    said = [identity.WHYS[doubt.value] for doubt in Doubt]
    assert all(one.say(Language.ZH) != one.say(Language.EN) for one in said)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Numbers near to documents: right cards, cards with one place changed, digits in a row, words, passports."""
    day = draw(st.dates()).strftime("%Y%m%d").zfill(8)
    body = (
        draw(st.from_regex(r"[1-9][0-9]{5}", fullmatch=True)) + day + draw(st.from_regex(r"[0-9]{3}", fullmatch=True))
    )
    card = body + check_digit(body)
    place, digit = draw(st.integers(0, 17)), draw(st.sampled_from("0123456789X"))
    slip = card[:place] + digit + card[place + 1 :]
    other = draw(st.from_regex(r"[A-Z]{0,3}[0-9]{0,20}[A-Z]?", fullmatch=True))
    row = ("1234567890" * 2)[: draw(st.integers(1, 18))]
    return draw(st.sampled_from([card, slip, other, row, draw(st.sampled_from("0123456789")) * 18]))


KINDS = st.sampled_from(["id_card", "passport", "military_id"])


@settings(max_examples=20)
@given(st.lists(st.tuples(numbers().filter(bool), KINDS), min_size=20, max_size=40))
@example([("110105199002301014", "id_card"), ("11010519900504101X", "id_card"), (CARD, "id_card"), (CARD, "passport")])
def test_the_rule_in_sql_is_the_rule_in_python(given_: list[tuple[str, str]]) -> None:
    documents, kinds = zip(*given_, strict=True)
    with duckdb.connect() as engine:
        engine.register("given", pa.table({"document": documents, "document_type": kinds}))
        trusted = [bool(row[0]) for row in engine.execute(f"SELECT {TRUSTED} FROM given").fetchall()]
    assert trusted == [doubt_of(kind, number) is None for number, kind in given_]


@pytest.mark.parametrize(
    ("kind", "number", "why"),
    [
        ("id_card", "110105199005041018", "check_digit"),
        ("id_card", "111111111111111111", "repeated"),
        ("id_card", "NO CARD", "word"),
        ("passport", "E12345678", "typed"),  # pragma: allowlist secret
    ],
)
def test_three_people_with_one_impossible_document_stay_three(
    store: Store, load: Load, kind: str, number: str, why: str
) -> None:
    bears = {"document_type": kind, "document_no": number}
    taken = load(
        person("C1", "王小明", **bears), person("C2", "赵丽华", birth="1985-03-17", **bears), person("C3", "王小明", birth="1961-01-09", **bears)
    )  # fmt: skip
    assert taken.refused == {"in_doubt": 3}
    done = linked(store)
    assert (done.merges, done.links, done.queued) == (0, {}, 3)
    with store.begin(STEWARD) as connection:
        waiting = identity.candidates(connection)
        parties = [identity.party_of(connection, one).party_no for one in ("C1", "C2", "C3")]
        seen = identity.open_party(connection, "C1")
    assert {one.why for one in waiting} == {why}
    assert parties == ["C1", "C2", "C3"]
    assert [one.kind for one in seen.identifiers if one.kind != "name"] == [f"{kind}?"]
    with store.begin(PROGRAM) as connection:
        assert identity.find_parties(connection, kind, number) == ["C1", "C2", "C3"]
    assert linked(store, whole=True).merges == 0


def test_one_person_with_an_impossible_document_is_found_by_what_else_agrees(store: Store, load: Load) -> None:
    more = {"phone": "13800138000", "address": "泉江市中山路12号3栋401室", "document_no": "111111111111111111"}
    load(person("C1", "龚宇轩", **more), person("C2", "龚宇轩", **more))
    done = linked(store)
    assert (done.merges, done.links, done.queued) == (1, {"model": 1}, 1)
    with store.begin(STEWARD) as connection:
        assert identity.candidates(connection) == []


def test_a_slip_in_one_place_still_speaks_for_the_card_it_slipped_from(store: Store, load: Load) -> None:
    slipped = CARD[:-1] + "8"
    assert valid_card(CARD)
    assert not valid_card(slipped)
    load(person("C1", "龚宇轩", document_no=CARD), person("C2", "龚宇轩", document_no=slipped))
    assert dict(linked(store).links) == {"model": 1}
