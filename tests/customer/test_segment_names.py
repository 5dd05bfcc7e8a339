"""Segments inside conditions, and customers by hand: which version is meant, rings refused by name, who and when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.segment import (
    ListChange,
    activate_segment,
    checked_expression,
    list_customers,
    plan_segment,
    save_clusters,
    save_segment,
    save_written,
    segment_of,
    segments_named,
    versions_of,
    written_segments,
)
from bankloop.customer.segment.clusters import Clustering
from bankloop.customer.segment.contracts import Listed, SegmentKind, SegmentVersion
from bankloop.customer.segment.naming import condition_of, named_in
from bankloop.kit.errors import ConflictError, DeniedError, ExpressionError, InputError, NotFoundError, SpecError
from bankloop.kit.expression import STRING, parse, to_function
from bankloop.kit.text import Text
from bankloop.store.database import Store
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]
CATALOGUE = read_catalogue()
TITLE = Text("客群", "Segment")
AT = datetime(2026, 6, 30, tzinfo=UTC)


def rule(name: str, expression: str, version: int = 1, *by_hand: tuple[str, bool]) -> SegmentVersion:
    listed = tuple(Listed(number, within, "p1", "2026-06-30", "why") for number, within in by_hand)
    return SegmentVersion(
        name, version, SegmentKind.RULE, TITLE, expression, {}, f"{name}{version}", "*", "p1", AT, None, None, None, listed
    )  # fmt: skip


def meets(condition: str, **row: object) -> object:
    expression = parse(condition, {"customer_no": STRING, **CATALOGUE.types})
    return to_function(expression)({**dict.fromkeys(expression.names), "today": AT.date(), **row})


def test_a_name_stands_for_what_its_segment_says_with_those_by_hand() -> None:
    kept = {
        "young": rule("young", "age < 30 -- years"),
        "paid": rule("paid", "payroll or segment('young')", 3, ("C7", True), ("C8", False)),
    }
    found = named_in("segment('paid') and aum > 100", kept.get)
    assert {name: one.version for name, one in found.items()} == {"paid": 3, "young": 1}
    condition = found["paid"].condition
    assert meets(condition, customer_no="C1", payroll=False, age=29) is True
    assert meets(condition, customer_no="C1", payroll=False, age=40) is False
    assert meets(condition, customer_no="C7", payroll=False, age=40) is True
    assert meets(condition, customer_no="C7", payroll=None, age=None) is True
    assert meets(condition, customer_no="C8", payroll=True, age=29) is False
    # What a segment below says belongs to what this one is.
    other = named_in("segment('paid')", {**kept, "young": rule("young", "age < 31", 2)}.get)
    assert other["paid"].digest != found["paid"].digest


def test_a_quote_in_a_number_ends_nothing() -> None:
    assert meets(condition_of(rule("a", "false", 1, ("C'1", True)), {}), customer_no="C'1") is True


def test_a_ring_is_refused_by_its_names() -> None:
    ring = {"a": rule("a", "segment('b')"), "b": rule("b", "age > 3 and segment('c')"), "c": rule("c", "segment('a')")}
    with pytest.raises(ConflictError, match="a → b → c → a"):
        named_in("segment('a')", ring.get)
    with pytest.raises(NotFoundError, match="nobody"):
        named_in("segment('nobody')", ring.get)


def test_a_mistake_beside_a_name_is_told_at_its_place_and_nothing_hidden_is_suggested() -> None:
    with pytest.raises(ExpressionError) as caught:
        checked_expression("segment('somebody')\n and agee > 3", CATALOGUE)
    assert (caught.value.fields["line"], caught.value.fields["column"]) == (2, 6)
    with pytest.raises(ExpressionError) as hidden:
        checked_expression("watchlst", CATALOGUE)
    assert "watchlist" not in hidden.value.message.en
    with pytest.raises(ExpressionError, match="no attribute is called 'customer_no'"):
        checked_expression("customer_no in ('C1')", CATALOGUE)


def test_saved_segments_name_each_other_and_never_in_a_ring(folk: Folk, store: Store) -> None:
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        save_segment(connection, CATALOGUE, "young", TITLE, "age < 30")
        save_segment(connection, CATALOGUE, "young-paid", TITLE, "segment('young') and payroll")
        for wrong in ("segment('young-paid')", "age > 3 or segment('young')"):
            with pytest.raises(ConflictError, match="in a ring: young"):
                save_segment(connection, CATALOGUE, "young", TITLE, wrong)
        with pytest.raises(NotFoundError, match="no-such"):
            save_segment(connection, CATALOGUE, "other", TITLE, "segment('no-such')")
        assert meets(segment_of(connection, "young-paid").condition, age=29, payroll=True) is True
        # Its active version counts; where none is, its newest.
        plan_segment(connection, "young", 1, "p", "M00001", "d")
        activate_segment(connection, "young", 1)
        save_segment(connection, CATALOGUE, "young", TITLE, "age < 20")
        assert segments_named(connection, "segment('young')")["young"].version == 1
        assert meets(segment_of(connection, "young-paid").condition, age=29, payroll=True) is True
        with pytest.raises(NotFoundError, match="young-paid"):
            segments_named(connection, "segment('young-paid')", active=True)
        made = save_clusters(
            connection, CATALOGUE, "life", [TITLE], Clustering(("age",), (), (0.0,), (1.0,), ((0.0,),))
        )
        with pytest.raises(ConflictError, match="is a cluster"):
            save_segment(connection, CATALOGUE, "other", TITLE, f"segment('{made[0].name}')")


def test_customers_by_hand_are_a_version_with_who_when_and_why(folk: Folk, store: Store) -> None:
    head = folk.who("hq_strategist", "campaign")
    with store.begin(head) as connection:
        save_segment(connection, CATALOGUE, "care", TITLE, "age > 60")
        made = list_customers(connection, "care", ListChange(("C0001",), ("C0012",), why="branch asked"))
        assert (made.version, made.active, made.plan) == (2, False, None)
        assert [(one.customer_no, one.within, one.by, one.why) for one in made.listed] == [
            ("C0001", True, head.id, "branch asked"),
            ("C0012", False, head.id, "branch asked"),
        ]
        assert made.listed[0].at.startswith("20")
        assert meets(made.condition, customer_no="C0001", age=30) is True
        assert meets(made.condition, customer_no="C0012", age=70) is False
        assert meets(versions_of(connection, "care")[1].condition, customer_no="C0012", age=70) is True
        with pytest.raises(ConflictError, match="no plan"):
            activate_segment(connection, "care", 2)
        # A new rule keeps them; what is forgotten is the rule's again.
        again = save_segment(connection, CATALOGUE, "care", TITLE, "age > 65")
        assert len(again.listed) == 2
        left = list_customers(connection, "care", ListChange(forget=("C0012",), why="over"))
        assert [one.customer_no for one in left.listed] == ["C0001"]
        with pytest.raises(InputError, match="say why"):
            list_customers(connection, "care", ListChange(("C0002",)))
        with pytest.raises(NotFoundError):
            list_customers(connection, "care", ListChange(("NOBODY",), why="x"))
        many = ListChange(tuple(f"C{n:04d}" for n in range(301)), why="x")
        with pytest.raises(InputError, match="at most 300"):
            list_customers(connection, "care", many)
    with pytest.raises(DeniedError), store.begin(folk.who("relationship_manager", "service")) as connection:
        list_customers(connection, "care", ListChange(("C0001",), why="x"))


def test_a_branch_puts_in_only_whom_it_sees(folk: Folk, store: Store) -> None:
    branch = folk.who("branch_commander")
    with store.begin(branch) as connection:
        save_segment(connection, CATALOGUE, "ours", TITLE, "age > 60")
        list_customers(connection, "ours", ListChange(("C0001",), why="known"))
        with pytest.raises(NotFoundError):
            list_customers(connection, "ours", ListChange(("C0901",), why="of the other branch"))


def test_a_file_of_segments_is_saved_whole_or_not_at_all(folk: Folk, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "segments.yaml"
    file.write_text(
        "segments:\n  young: {zh: 年轻, en: Young, when: age < 30}\n"
        "  both: {zh: 两者, en: Both, when: \"segment('young') and payroll\"}\n",
        encoding="utf-8",
    )
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        assert [one.version for one in save_written(connection, CATALOGUE, written_segments(file))] == [1, 1]
    file.write_text("segments:\n  young: {zh: 年轻, en: Young}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"segments\.yaml:2: segment young has zh, en and when"):
        written_segments(file)
    file.write_text("segments: []\n", encoding="utf-8")
    with pytest.raises(SpecError, match="write segments"):
        written_segments(file)
