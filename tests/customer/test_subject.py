"""A person's copy and erasure: approved by others, done once; what the law keeps stays, a hold keeps everything."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bankloop.customer.consent import may_contact, standing_of
from bankloop.customer.subject import (
    Category,
    Fate,
    ask_export,
    erase_person,
    erasure_plan,
    export_person,
    plan_erasure,
    read_retention,
)
from bankloop.kit.errors import ConflictError, NotFoundError, SpecError
from bankloop.kit.text import Text
from bankloop.lake.service import open_lake
from bankloop.organization.approval import consent
from bankloop.organization.erasure import ask_erasure
from bankloop.organization.principals import checker, compliance, system
from bankloop.store.audit import place_hold
from bankloop.store.vault import keep_identifiers, read_identifiers
from tests.customer.test_consent import PROOF, customers, word
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]

TODAY = date(2026, 6, 30)
TEN = Category("identity", Text("身份", "identity"), 10, Text("据", "law"))
NOW = Category("profile", Text("画像", "profile"), 0, Text("据", "law"))


@pytest.mark.parametrize(
    ("ended", "fate", "until"),
    [
        (None, Fate.KEPT, None),
        (date(2016, 6, 30), Fate.ERASED, date(2026, 6, 30)),
        (date(2016, 7, 1), Fate.KEPT, date(2026, 7, 1)),
        (date(2016, 2, 29), Fate.ERASED, date(2026, 3, 1)),
    ],
)
def test_what_must_stay_stays_to_the_day(ended: date | None, fate: Fate, until: date | None) -> None:
    plan = erasure_plan("C1", (TEN, NOW), ended, (), TODAY)
    assert (plan.rulings[0].fate, plan.rulings[0].until) == (fate, until)
    assert plan.fate("profile") is Fate.ERASED


def test_a_hold_keeps_even_what_could_go_at_once() -> None:
    plan = erasure_plan("C1", (TEN, NOW), date(2000, 1, 1), ("court order 7",), TODAY)
    assert {one.fate for one in plan.rulings} == {Fate.HELD}
    assert "court order 7" in plan.rulings[0].reason.en


def test_a_bank_sets_its_own_years_and_hears_of_its_mistakes(tmp_path: Path) -> None:
    own = tmp_path / "retention.yaml"
    own.write_text("categories:\n  identity: {years: 5}\n", encoding="utf-8")
    assert {one.name: one.years for one in read_retention(tmp_path)}["identity"] == 5
    for bad, code in (("secrets: {years: 1}", "subject.category"), ("identity: {years: soon}", "subject.years")):
        own.write_text(f"categories:\n  {bad}\n", encoding="utf-8")
        with pytest.raises(SpecError, match="yaml:2") as caught:
            read_retention(tmp_path)
        assert caught.value.code == code


def approved(folk: Folk, request: object, *people: object) -> None:
    for one in people:
        with folk.store.begin(one) as connection:  # type: ignore[arg-type]
            consent(connection, request, "seen")  # type: ignore[arg-type]


@pytest.fixture
def known(folk: Folk, tmp_path: Path) -> Folk:
    with folk.store.begin(system("test")) as connection:
        keep_identifiers(connection, "phone", ["C0001"], ["13800138000"])
    lake = open_lake(tmp_path, folk.store, system("lake"))
    lake.publish("customer", customers(("C0001", True, False, False)), date(2026, 6, 29))
    word(folk, "marketing", True)
    return folk


def test_a_copy_is_approved_made_once_and_holds_nothing_confidential(known: Folk, tmp_path: Path) -> None:
    lake, steward = open_lake(tmp_path, known.store, system("lake")), known.who("data_steward", "quality")
    with known.store.begin(steward) as connection:
        request = ask_export(connection, "C0001", "letter of 1 June")
    with pytest.raises(ConflictError, match="not_in_force"), known.store.begin(steward) as connection:
        export_person(connection, lake, "C0001")
    approved(known, request, compliance(), checker())
    with known.store.begin(steward) as connection:
        copy = export_person(connection, lake, "C0001")
    assert [row["customer_no"] for row in copy["customer"]] == ["C0001"]
    assert not {"frozen", "watchlist"} & set(copy["customer"][0])
    assert copy["consents"][0]["evidence"] == PROOF
    with pytest.raises(ConflictError, match="not_in_force"), known.store.begin(steward) as connection:
        export_person(connection, lake, "C0001")
    with pytest.raises(NotFoundError), known.store.begin(steward) as connection:
        ask_export(connection, "C9999", "x")


def test_an_erasure_stops_marketing_and_keeps_what_the_law_keeps(known: Folk, tmp_path: Path) -> None:
    lake, program = open_lake(tmp_path, known.store, system("lake")), system("erasure")
    steward = known.who("data_steward", "quality")
    (tmp_path / "data" / "state").mkdir(parents=True)
    (tmp_path / "data" / "state" / "a-b.arrow").write_bytes(b"")
    with known.store.begin(steward) as connection:
        plan = plan_erasure(connection, lake, "C0001")
        request = ask_erasure(connection, "C0001", "letter of 1 June")
    assert (plan.fate("profile"), plan.fate("identity")) == (Fate.ERASED, Fate.KEPT)
    approved(known, request, compliance(), checker(), checker("checker2"))
    with known.store.begin(program) as connection:
        hold = place_hold(connection, "customer", "C0001", "court order 7")
        with pytest.raises(ConflictError, match="on_hold"):
            erase_person(connection, lake, tmp_path, "C0001")
        from bankloop.store.audit import release_hold

        release_hold(connection, hold, "lifted")
    with known.store.begin(program) as connection:
        done = erase_person(connection, lake, tmp_path, "C0001")
    assert (done.stops, dict(done.gone)) == (3, {"states": 1})
    with known.store.begin(program) as connection:
        assert len(read_identifiers(connection, ["C0001"], ["phone"])) == 1
    with known.store.begin(steward) as connection:
        assert may_contact(standing_of(connection, "C0001").words, "sms").code == "do_not_contact"


def test_after_the_term_everything_goes(known: Folk, tmp_path: Path) -> None:
    (tmp_path / "retention.yaml").write_text("categories:\n  identity: {years: 0}\n", encoding="utf-8")
    lake = open_lake(tmp_path, known.store, system("lake"))
    with known.store.begin(known.who("data_steward", "quality")) as connection:
        request = ask_erasure(connection, "C0001", "letter of 1 June")
    approved(known, request, compliance(), checker(), checker("checker2"))
    with known.store.begin(system("erasure")) as connection:
        assert dict(erase_person(connection, lake, tmp_path, "C0001").gone)["identifiers"] == 1
        assert read_identifiers(connection, ["C0001"], ["phone"]) == []
