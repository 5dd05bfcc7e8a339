"""The commands on relations and segments over a bank with data: derived, shown with evidence, counted, saved, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bankloop.loop.audience import select
from bankloop.simulate.clock import bank_clock
from bankloop.wiring import open_bank
from tests.cli.test_people import bank, run
from tests.customer.test_relations import filled, other_end, paid
from tests.customer.test_state import rows
from tests.loop.people import lock_of
from tests.organization.conftest import Folk, folk

__all__ = ["bank", "folk"]


def monthly(months: int, customer: str = "C0001", since: int = 0) -> list[dict[str, Any]]:
    """Salaries of the tenth of each of the last months before this one: a command goes by the machine's clock."""
    found, first = paid(months, customer, since), datetime.now(UTC).replace(day=1, hour=2)
    for one in found:
        first = (first - timedelta(days=1)).replace(day=1)
        one["occurred_at"] = one["recorded_at"] = first.replace(day=10)
    return found


@pytest.mark.capability("B7")
def test_six_monthly_salaries_are_an_employment_with_its_evidence_and_a_way_leads_over_it(
    bank: Path, folk: Folk
) -> None:
    unnamed, rushed = monthly(8, "C0030", 100), monthly(6, "C0002", 200)
    for minute, one in enumerate(rushed):  # six in six minutes are no employment
        one["occurred_at"] = rushed[0]["occurred_at"] + timedelta(minutes=minute)
    events = [*monthly(6), *monthly(5, "C0002", 50), *unnamed, *rushed]
    with open_bank(bank, bank_clock(bank)) as opened:
        lake = filled(opened.lake, events, {"from_no": "C0030", "to_no": "C0002", "kind": "family"})
        lake.append(
            "event_extra", rows("event_extra", *other_end(unnamed, "P9"), *other_end(rushed, "P8")), lake.today()
        )
    steward = ("--as", folk.roles["data_steward"])
    assert run(bank, "relation", "derive", *steward)[1]["edges"]["employs"] == 2
    shown = run(bank, "relation", "show", "C0030", *steward)[1]["steps"]
    (employed,) = [one for one in shown if one["kind"] == "employs"]
    assert (employed["to"], employed["forward"], len(employed["evidence"])) == ("P9", False, 6)
    assert employed["evidence"][0].startswith("core:100@")
    way = run(bank, "relation", "way", "C0002", "P9", *steward)[1]["steps"]
    assert [(one["from"], one["kind"], one["to"]) for one in way] == [
        ("C0002", "family", "C0030"),
        ("C0030", "employs", "P9"),
    ]


@pytest.mark.capability("B22")
def test_a_guarantor_s_default_flags_whom_they_stand_for_and_keeps_marketing_from_them(bank: Path, folk: Folk) -> None:
    fit = {"birth_date": date(1990, 1, 1), "marketing_consent": True, "phone_valid": True}
    people = [{"customer_no": f"C{n:04d}", **fit, "overdue_days": 120 if n == 20 else 0} for n in (1, 2, 20, 30, 31)]
    stated = [
        {"from_no": "C0020", "to_no": "C0001", "kind": "guarantor"},
        {"from_no": "C0002", "to_no": "C0001", "kind": "legal_representative"},
        {"from_no": "C0002", "to_no": "C0030", "kind": "family"},  # 0.8 × 0.7 × 0.4 is too little to say
        {"from_no": "C0020", "to_no": "C0031", "kind": "referral"},  # which passes nothing on
    ]
    lock = lock_of("bind-card", audience="tenure_days >= 0")

    def marketed() -> tuple[dict[str, int], list[str]]:
        with open_bank(bank, bank_clock(bank)) as opened:
            state = opened.state(opened.lake.today()).table
            found = select(lock, state, opened.catalogue.types, opened.lake.today())
        numbers = state["customer_no"].to_pylist()
        risk = {no: ppm for no, ppm in zip(numbers, state["relation_risk"].to_pylist(), strict=True) if ppm}
        return risk, sorted(numbers[row] for row in found.rows)

    with open_bank(bank, bank_clock(bank)) as opened:
        lake, today = opened.lake, opened.lake.today()
        lake.publish("customer", rows("customer", *people), today)
        lake.publish("relation", rows("relation", *stated), today)
        lake.append("event", rows("event"), today)
    assert marketed() == ({}, ["C0001", "C0002", "C0030", "C0031"])  # who is overdue is left out anyway
    assert run(bank, "relation", "derive", "--as", folk.roles["data_steward"])[1]["exposed"] == 2
    assert marketed() == ({"C0001": 800_000, "C0002": 560_000}, ["C0030", "C0031"])


def test_a_segment_from_a_condition_to_its_use(bank: Path, folk: Folk, tmp_path: Path) -> None:
    people = [{"customer_no": f"C{n:04d}", "gender": ["F", "M", None][n % 3]} for n in range(40)]
    with open_bank(bank, bank_clock(bank)) as opened:
        yesterday = opened.lake.today() - timedelta(days=1)
        opened.lake.publish("customer", rows("customer", *people), yesterday)
    head = ("--as", folk.roles["hq_strategist"])
    code, counted = run(bank, "segment", "count", "gender <> 'F'", *head)
    assert (code, counted["hit"], counted["everybody"]) == (0, 13, 40)
    assert counted["warnings"][0].startswith("customers whose Gender is not known (13) are not counted")
    assert run(bank, "segment", "count", "gendr = 'F'", *head)[1]["error"]["code"] == "expression.name"
    men = ("segment", "save", "men", "gender = 'M'", "--zh", "男客户", "--en", "Men", *head)
    assert run(bank, *men)[1]["segments"][0]["version"] == 1
    file = tmp_path / "more.yaml"
    file.write_text("segments:\n  others: {zh: 其他, en: Others, when: \"not segment('men')\"}\n", encoding="utf-8")
    assert run(bank, "segment", "load", str(file), *head)[1]["segments"][0]["name"] == "others"
    assert run(bank, "segment", "count", "segment('others')", *head)[1]["hit"] == 14
    listed = run(bank, "segment", "hand", "men", "--add", "C0003", "--take-out", "C0001", "--why", "asked", *head)[1]
    assert [(one["customer_no"], one["within"], one["why"]) for one in listed["segments"][0]["listed"]] == [
        ("C0001", False, "asked"),
        ("C0003", True, "asked"),
    ]
    # Of two versions that are not active the newest is meant.
    assert run(bank, "segment", "count", "segment('men') and gender = 'M'", *head)[1]["hit"] == 12
    ring = run(bank, "segment", "save", "men", "segment('others')", "--zh", "x", "--en", "x", *head)[1]
    assert ring["error"]["code"] == "segment.cycle"
    planned = ("--version", "2", "--title", "p", "--owner", "B001", "--does", "d")
    assert run(bank, "segment", "activate", "men", "--version", "2", *head)[1]["error"]["code"] == "segment.no_plan"
    assert run(bank, "segment", "plan", "men", *planned, *head)[0] == 0
    assert run(bank, "segment", "activate", "men", "--version", "2", *head)[1]["segments"][0]["active"]
    assert len(run(bank, "segment", "show", "men", *head)[1]["segments"]) == 2
    assert run(bank, "segment", "retire", "men", "--why", "over", *head)[0] == 0
    assert {one["name"] for one in run(bank, "segment", "all", *head)[1]["segments"]} == {"men", "others"}
