"""One customer out of many records: numbers for life, what links and what never does, merges that can be undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sqlalchemy import text

from bankloop.customer import identity
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import ConflictError, DataError, DeniedError, InputError, NotFoundError
from bankloop.organization.approval import consent
from bankloop.organization.principals import auditor, checker
from bankloop.organization.rights import unmask
from bankloop.simulate.doubles import draw_registers
from bankloop.store.contracts import Role
from bankloop.store.database import Store
from bankloop.store.history import append_events
from bankloop.store.vault import erase_sealed
from bankloop.store.verbs import VERBS
from tests.customer.conftest import DAY, MANAGER, PROGRAM, STEWARD, Load, linked, person, table_of

CARD, OTHER_CARD, TWIN_CARD = "110105199005041017", "110105198503172031", "110105199005041025"
PHONE, ADDRESS = "13800138000", "泉江市中山路12号3栋401室"


def party(store: Store, number: str, at: datetime | None = None) -> str:
    with store.begin(PROGRAM) as connection:
        return identity.party_of(connection, number, at).party_no


def queue(store: Store) -> list[identity.MatchCandidate]:
    with store.begin(STEWARD) as connection:
        return identity.candidates(connection)


def later(store: Store, **span: float) -> None:
    store.clock = FixedClock(store.clock.now() + timedelta(**span))


def event(number: str, event_id: int, at: datetime) -> pa.Table:
    return pa.table(
        {
            "source": ["app"], "event_id": [event_id], "customer_no": [number], "unit_id": ["S1"], "type": ["login"],
            "occurred_on": [at.date()], "occurred_at": pa.array([at], pa.timestamp("us", "UTC")),
            "recorded_at": pa.array([at], pa.timestamp("us", "UTC")),
        }
    )  # fmt: skip


def happened(store: Store, number: str) -> list[int]:
    with store.begin(PROGRAM) as connection:
        return list(identity.events_of(connection, number)["event_id"].to_pylist())


@pytest.mark.capability("B1")
def test_same_card_and_two_spellings_are_one_party_of_two_sources_and_reversible(store: Store, load: Load) -> None:
    load(person("C1", "欧阳娜", document_no=CARD))
    load(person("W7", "OUYANG NA", document_type="id_card", document_no="110105 19900504 1017"), source="wealth")
    done = linked(store)
    assert (done.merges, dict(done.links)["document"], done.queued) == (1, 1, 0)
    with store.begin(STEWARD) as connection:
        found = identity.party_of(connection, "C1")
        (merge,) = identity.merges(connection)
    assert [member.source for member in found.members] == ["core", "wealth"]
    assert merge.evidence["links"][0]["why"] == {"document": "id_card"}
    other = found.numbers[1]
    assert party(store, other) == "C1"
    with store.begin(STEWARD) as connection:
        identity.undo_merge(connection, other, "two people after all", merge.event_id)
    assert (party(store, other), party(store, "C1")) == (other, "C1")
    assert linked(store, whole=True).merges == 0


@pytest.mark.capability("A23")
def test_three_sources_are_one_customer_whose_fields_name_their_sources(store: Store, load: Load) -> None:
    load(person("C1", "张偉", document_no=CARD, phone="13900000001"))
    load(person("K9", "张伟", document_no=CARD, phone=PHONE), source="card", as_of=date(2026, 6, 28), load_id="L2")
    load(person("X3", "ZHANG WEI", phone=PHONE, email="zw@mail.example", document_no=CARD), source="app", load_id="L3")
    linked(store)
    with store.begin(STEWARD) as connection:
        seen = identity.open_party(connection, "C1")
    assert {(member.source, member.load_id) for member in seen.party.members} == {
        ("core", "L1"),
        ("card", "L2"),
        ("app", "L3"),
    }
    origin = {one.field: (one.source, one.rule) for one in seen.values}
    assert origin["name"] == ("core", "trusted")
    assert origin["email"] == ("app", "newest")
    assert origin["birth"] == ("core", "as_on_card")


def test_a_number_never_changes_when_documents_do(store: Store, load: Load) -> None:
    load(person("A1", document_type="passport", document_no="EK4193857"), source="wealth")
    load(person("B1", document_type="passport", document_no="EK4193857"), source="card")
    linked(store)
    with store.begin(PROGRAM) as connection:
        (number,) = identity.find_parties(connection, "passport", "EK4193857")
    later(store, days=400)
    load(person("A1", document_type="passport", document_no="E90417263"), source="wealth", as_of=date(2027, 8, 1))
    linked(store)
    with store.begin(PROGRAM) as connection:
        assert identity.find_parties(connection, "passport", "E90417263") == [number]  # pragma: allowlist secret
        assert identity.find_parties(connection, "passport", "ek 4193857") == [number]
        assert len(identity.party_of(connection, number).members) == 2


def test_the_old_number_of_fifteen_places_finds_the_new_one(store: Store, load: Load) -> None:
    load(person("C1", document_no="110105900504101"))
    with store.begin(PROGRAM) as connection:
        assert identity.find_parties(connection, "id_card", CARD) == ["C1"]


def test_the_same_document_on_two_living_people_goes_to_a_steward(store: Store, load: Load) -> None:
    load(person("C1", "王小明", document_no=CARD), person("C2", "赵丽华", birth="1985-03-17", document_no=CARD))
    assert linked(store).merges == 0
    (waiting,) = queue(store)
    assert (waiting.why, party(store, "C1"), party(store, "C2")) == ("document_of_two", "C1", "C2")


def test_a_phone_alone_never_links_and_a_phone_given_out_again_joins_nobody(store: Store, load: Load) -> None:
    load(person("C1", phone=PHONE), person("C2", "赵丽华", birth="1985-03-17", phone=PHONE))
    load(person("C3", "王小明", birth="1961-01-09", phone=PHONE), source="card")
    linked(store)
    assert [party(store, n) for n in ("C1", "C2")] == ["C1", "C2"]
    assert linked(store, whole=True).merges == 0


def test_twins_at_one_address_with_one_phone_are_two(store: Store, load: Load) -> None:
    both = {"phone": PHONE, "address": ADDRESS, "gender": "M"}
    load(person("C1", "王小明", document_no=CARD, **both), person("C2", "王小民", document_no=TWIN_CARD, **both))
    assert linked(store).merges == 0
    assert party(store, "C2") == "C2"


def test_enough_weight_merges_and_what_lies_between_waits(store: Store, load: Load) -> None:
    load(person("C1", "龚宇轩", phone=PHONE, address=ADDRESS), person("C2", "田雨欣", birth="1979-11-30"))
    load(person("K1", "龔宇軒", phone=PHONE), person("K2", "田雨欣", birth="1979-11-30"), source="card")
    done = linked(store)
    assert (done.merges, done.links, done.queued) == (1, {"model": 1}, 1)
    (waiting,) = queue(store)
    assert waiting.why == "between"
    assert set(waiting.evidence) == {"name", "birth"}
    with store.begin(STEWARD) as connection:
        identity.decide_candidate(connection, waiting.candidate_id, True, "signature compared")
    assert party(store, waiting.b) == "C2"
    with pytest.raises(ConflictError, match="decided"), store.begin(STEWARD) as connection:
        identity.decide_candidate(connection, waiting.candidate_id, False, "again")


def test_who_a_steward_kept_apart_stays_apart(store: Store, load: Load) -> None:
    load(person("C1", "田雨欣"), person("C2", "田雨欣"))
    linked(store)
    (waiting,) = queue(store)
    with store.begin(STEWARD) as connection:
        identity.decide_candidate(connection, waiting.candidate_id, False, "called both")
    load(person("C1", "田雨欣", document_no=CARD), person("C2", "田雨欣", document_no=CARD))
    linked(store)
    assert (party(store, "C2"), queue(store)) == ("C2", [])


@pytest.mark.capability("B11")
def test_a_verified_openid_brings_its_past_and_leaves_with_its_future(store: Store, load: Load) -> None:
    load(person("C1"), person("C2", "赵丽华", birth="1985-03-17"))
    load({"source_key": "oAbCdEf"}, source="wechat_openid")
    with store.begin(PROGRAM) as connection:
        (channel,) = connection.scalars(text("SELECT customer_no FROM identity WHERE channel"))
        append_events(connection, event(channel, 1, datetime(2026, 6, 1, tzinfo=UTC)))
    assert happened(store, "C1") == []
    with store.begin(PROGRAM) as connection:
        identity.bind_channel(connection, channel, "C1", {"method": "code sent to the phone on record"})
    assert happened(store, "C1") == [1]
    later(store, days=30)
    with store.begin(PROGRAM) as connection:
        identity.bind_channel(connection, channel, "C2", {"method": "face compared with the card"})
        append_events(connection, event("C2", 2, datetime(2026, 7, 1, tzinfo=UTC)))
    assert (happened(store, "C1"), happened(store, "C2")) == ([], [1, 2])
    assert party(store, "C2") == "C2"
    with store.begin(STEWARD) as connection:
        identity.unbind_channel(connection, channel, "phone sold")
    assert happened(store, "C2") == [2]
    for wrong, to, why in (("C1", "C2", {"method": "x"}), (channel, "C1", {})):
        with pytest.raises((ConflictError, InputError)), store.begin(PROGRAM) as connection:
            identity.bind_channel(connection, wrong, to, why)


def test_taking_apart_after_a_year_gives_later_events_back_to_whom_they_belong(store: Store, load: Load) -> None:
    load(person("C1", "龚宇轩", document_no=CARD), person("C2", "龚宇轩", document_no=CARD))
    linked(store)
    merged_at = store.clock.now()
    for month in range(1, 13):
        later(store, days=30)
        with store.begin(PROGRAM) as connection:
            append_events(connection, event("C1", month, store.clock.now()))
            append_events(connection, event("C2", 100 + month, store.clock.now()))
    assert len(happened(store, "C2")) == 24
    with store.begin(STEWARD) as connection:
        (told,) = identity.undo_merge(connection, "C2", "one card, two people")
    assert (told.kind, told.moved) == ("unmerge", ("C2",))
    assert happened(store, "C1") == list(range(1, 13))
    assert happened(store, "C2") == list(range(101, 113))
    assert party(store, "C2", merged_at + timedelta(days=1)) == "C1"
    with store.begin(PROGRAM) as connection:
        assert identity.party_map(connection).num_rows == 0
        assert identity.resolve(connection, ["C2"], merged_at + timedelta(days=9)) == {"C2": "C1"}


def test_a_chain_loses_the_link_that_a_steward_denies(store: Store, load: Load) -> None:
    load(person("A", "龚宇轩", document_no=CARD))
    load(person("B", "龚宇轩", document_no=CARD, also=["passport:E17304952"]))
    load(person("C", "龚宇轩", document_type="passport", document_no="E17304952"))  # pragma: allowlist secret
    linked(store)
    assert {party(store, n) for n in "ABC"} == {"A"}
    with store.begin(STEWARD) as connection:
        identity.undo_merge(connection, "C", "C is another person")
    assert [party(store, n) for n in "ABC"] == ["A", "A", "C"]


def test_a_merge_across_cells_is_flagged(store: Store, load: Load) -> None:
    load(person("C1", document_no=CARD), person("C2", document_no=CARD), person("C3", birth="1970-02-02"))
    with store.begin(PROGRAM) as connection:
        connection.execute(text("SELECT bankloop_partition('decision', '2026-06-01')"))
        for number, cell in (("C1", "control"), ("C2", "optimize")):
            connection.execute(
                text(
                    "INSERT INTO decision (decision_id, campaign, round, customer_no, unit_id, placement, window_start, "
                    "window_end, lock_digest, as_of, state_digest, cell, propensities, attributes, model_versions, reasons, "
                    "recorded_at) VALUES (gen_random_uuid(), 'bind-card', 1, :n, 'S1', 'batch', '2026-06-30', '2026-06-30', "
                    "'x', '2026-06-29', 'y', :cell, '{}', '{}', '{}', '{}', bankloop_now())"
                ),
                {"n": number, "cell": cell},
            )
    assert linked(store).flagged == 1
    with store.begin(STEWARD) as connection:
        assert identity.merges(connection)[0].flags == ("bind-card/1",)


def test_a_merge_by_hand_needs_another_person_and_is_done_once(store: Store, load: Load) -> None:
    load(person("C1", "李四", birth="1966-06-06"), person("C2", "王小明"))
    with store.begin(STEWARD) as connection:
        request = identity.ask_merge(connection, "C2", "C1", "court paper 7 names both")
    with pytest.raises(ConflictError, match="not_in_force"), store.begin(STEWARD) as connection:
        identity.merge_parties(connection, "C1", "C2")
    for reviewer in (checker(), checker("checker2")):
        with store.begin(reviewer) as connection:
            consent(connection, request)
    with store.begin(STEWARD) as connection:
        identity.merge_parties(connection, "C1", "C2")
    assert party(store, "C2") == "C1"
    with pytest.raises(ConflictError, match="same"), store.begin(STEWARD) as connection:
        identity.merge_parties(connection, "C1", "C2")


def test_a_file_again_twice_out_of_order_and_half_changes_nothing(store: Store, load: Load) -> None:
    first, second = person("C1", phone=PHONE), person("C2", "赵丽华", birth="1985-03-17")
    assert (load(first, second, first).new, load(first, second).known) == (2, 2)
    assert load(person("C1", phone="13911112222"), as_of=date(2026, 6, 30)).changed == 1
    assert load(first, as_of=date(2026, 6, 28)).stale == 1
    assert load(second, as_of=date(2026, 7, 1)).known == 1
    linked(store)
    with store.begin(PROGRAM) as connection:
        assert identity.find_parties(connection, "phone", "+86 139-1111-2222") == ["C1"]
        assert connection.scalar(text("SELECT count(*) FROM identity")) == 2
        old = connection.scalar(
            text("SELECT valid_to FROM identity_mark WHERE kind = 'phone' AND valid_to IS NOT NULL")
        )
    assert old is not None
    assert linked(store).identities == 0


def test_odd_names_and_days_are_taken_in_and_join_nobody(store: Store, load: Load) -> None:
    odd = [
        person("C1", "王", birth="2000-02-29"),
        person("C2", "阿" * 40, birth="2027-01-01"),
        person("C3", "?", birth="1990-02-30"),
        person("C4", "", birth=None, phone="00000000000"),
        person("C5", "𠮷", birth="29/02/2000", phone="00000000000"),
    ]
    assert load(*odd).new == 5
    assert linked(store).merges == 0
    with store.begin(PROGRAM) as connection:
        assert identity.find_parties(connection, "name", "阿" * 40) == ["C2"]


def test_born_on_the_29th_of_february_and_written_two_ways_is_one(store: Store, load: Load) -> None:
    load(person("C1", "龚宇轩", birth="2000-02-29", phone=PHONE))
    load(person("K1", "龚宇轩", birth="20000229", phone=PHONE), source="card")
    assert linked(store).merges == 1


def test_an_increment_compares_only_what_it_can_touch(store: Store, load: Load) -> None:
    load(
        *[
            person(f"C{n}", f"{'王李张刘陈'[n % 5]}{chr(0x5000 + n)}", birth=f"19{60 + n % 40}-0{1 + n % 9}-15")
            for n in range(200)
        ]
    )
    linked(store)
    load(person("N1", "李" + chr(0x5001), birth="1961-02-15", phone=PHONE), source="card")
    done = linked(store)
    assert (done.identities, done.pairs) == (1, 1)


def test_columns_that_are_wrong_and_kinds_that_are_unknown_are_told(store: Store, load: Load) -> None:
    with pytest.raises(DataError), store.begin(PROGRAM) as connection:
        identity.register(connection, "core", pa.table({"name": ["x"]}), DAY, "L")
    assert load(person("C1", also=["fax:123", "account:6228480012345671"])).refused == {"unknown_kind": 1}
    with store.begin(PROGRAM) as connection:
        assert identity.find_parties(connection, "account", "6228 4800 1234 5671") == ["C1"]
        with pytest.raises(InputError, match="kind"):
            identity.find_parties(connection, "fax", "123")


def test_what_is_erased_is_forgotten_and_not_taken_in_again(store: Store, load: Load) -> None:
    load(person("C1", document_no=CARD))
    with store.begin(PROGRAM) as connection:
        erase_sealed(connection, "C1")
        assert identity.forget_identity(connection, "C1") == 1
    load(person("C1", phone=PHONE, document_no=CARD), as_of=date(2026, 6, 30))
    with store.begin(PROGRAM) as connection:
        assert identity.find_parties(connection, "id_card", CARD) == []
        assert connection.scalar(text("SELECT count(*) FROM identity_record")) == 0


def test_readers_see_masked_values_of_their_own_customers(
    store: Store, load: Load, put_in_book: Callable[..., None]
) -> None:
    load(
        person("C1", phone=PHONE, document_no=CARD, email="wxm@mail.example"),
        person("C2", "赵丽华", birth="1985-03-17"),
    )
    put_in_book(["C1"], "S1", "M1")
    put_in_book(["C2"], "S2", "M2")
    with store.begin(MANAGER) as connection:
        seen = identity.open_party(connection, "C1")
        assert [one.party_no for one in identity.search_parties(connection, "phone", PHONE)] == ["C1"]
        assert identity.search_parties(connection, "name", "赵丽华") == []
        unmask(connection, "C1", ["document"], "renewal", "T-1")
        opened = identity.open_party(connection, "C1")
    values = {one.field: one.value for one in seen.values}
    assert (values["name"], values["phone"], values["document_no"]) == ("王**", "138****8000", "110***********1017")
    assert values["birth"] == "1990****"
    assert {one.field: one.value for one in opened.values}["document_no"] == CARD
    assert {one.field: one.value for one in opened.values}["phone"] == "138****8000"
    for number in ("C2", "C404"):
        with pytest.raises(NotFoundError, match="no_party"), store.begin(MANAGER) as connection:
            identity.open_party(connection, number)
    with store.begin(auditor(), Role.AUDITOR) as connection:
        verbs = list(connection.scalars(text("SELECT verb FROM audit WHERE class = 'access' ORDER BY id")))
    assert verbs.count("party.open") == 2


def test_nothing_personal_lies_plain_and_nobody_but_the_program_reads_it(store: Store, load: Load) -> None:
    load(person("C1", "欧阳金丝雀", phone=PHONE, document_no=CARD, address=ADDRESS))
    linked(store)
    secrets = ("欧阳金丝雀", PHONE, CARD, "中山路", "19900504")
    with store.begin(PROGRAM, Role.OWNER) as connection:
        names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE tableowner = 'bankloop_owner'")).all()
        assert {"identity_record", "identity_mark", "identity_link"} <= set(names)
        for name in names:
            for row in connection.execute(text(f'SELECT t::text FROM "{name}" t')):
                assert not any(secret in row[0] for secret in secrets), name
    for who in (STEWARD, MANAGER):
        with store.begin(who) as connection:
            assert connection.scalar(text("SELECT count(*) FROM identity_record")) == 0
            assert connection.scalar(text("SELECT count(*) FROM identity_mark")) == 0
    with pytest.raises(DeniedError), store.begin(MANAGER) as connection:
        identity.register(connection, "core", table_of([person("C9")]), DAY, "L")


def test_every_verb_of_identity_leaves_its_row(store: Store, load: Load) -> None:
    load(person("C1", "龚宇轩", document_no=CARD), person("C2", "龚宇轩", document_no=CARD))
    load(person("C3", "田雨欣"), person("C4", "田雨欣"))
    load({"source_key": "oX"}, source="wechat_openid")
    linked(store)
    (waiting,) = queue(store)
    with store.begin(PROGRAM) as connection:
        (channel,) = connection.scalars(text("SELECT customer_no FROM identity WHERE channel"))
        identity.bind_channel(connection, channel, "C3", {"method": "code"})
        identity.unbind_channel(connection, channel, "sold")
    with store.begin(STEWARD) as connection:
        identity.decide_candidate(connection, waiting.candidate_id, False, "called")
        identity.undo_merge(connection, "C2", "two")
        request = identity.ask_merge(connection, "C1", "C2", "one")
    for reviewer in (checker(), checker("checker2")):
        with store.begin(reviewer) as connection:
            consent(connection, request)
    with store.begin(STEWARD) as connection:
        identity.merge_parties(connection, "C2", "C1")
    with store.begin(auditor(), Role.AUDITOR) as connection:
        left = set(connection.scalars(text("SELECT verb FROM audit")))
    assert {name for name, act in VERBS.items() if act.__module__.startswith("bankloop.customer.identity")} - {
        "identity.learn"
    } <= left


def test_what_pairs_weigh_is_learned_kept_and_used(store: Store, load: Load) -> None:
    load(person("C1"))
    with pytest.raises(ConflictError, match="too_few"), store.begin(STEWARD) as connection:
        identity.learn_matching(connection)
    drawn = draw_registers(6_000, 3)
    with store.begin(STEWARD) as connection:
        for source in ("core", "card", "wealth", "app", "loan"):
            mine = drawn.records.filter(pc.equal(drawn.records["source"], source)).drop_columns("source")
            identity.register(connection, source, mine, DAY, "L1")
        model = identity.learn_matching(connection)
        assert identity.model_in_force(connection) == model
    assert model.levels["document"][0][0] > 0.5
    done = linked(store)
    assert 450 < done.merges < 620
    with store.begin(auditor(), Role.AUDITOR) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit WHERE verb = 'identity.learn'")) == 1
