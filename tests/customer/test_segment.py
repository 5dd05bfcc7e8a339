"""Segments: versions, plans, activation; clusters that mean the same from run to run; what completes a word."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.segment import (
    SegmentKind,
    activate_segment,
    complete,
    describe,
    learn_clusters,
    plan_segment,
    retire_segment,
    save_clusters,
    save_segment,
    segment_of,
    segments,
    versions_of,
)
from bankloop.kit.errors import ConflictError, DeniedError, ExpressionError, InputError, NotFoundError
from bankloop.kit.expression import BOOL, INT, MONEY
from bankloop.kit.text import Text
from bankloop.store.contracts import Role
from bankloop.store.database import Store
from tests.organization.conftest import Folk, folk

__all__ = ["folk"]
CATALOGUE = read_catalogue()
TITLE = Text("年轻代发", "Young on payroll")
RULE = "payroll and age < 30"


def test_a_segment_without_a_plan_cannot_be_activated(folk: Folk, store: Store) -> None:
    head = folk.who("hq_strategist", "campaign")
    with store.begin(head) as connection:
        made = save_segment(connection, CATALOGUE, "young-payroll", TITLE, RULE)
        assert (made.version, made.kind, made.unit_id, made.plan) == (1, SegmentKind.RULE, "*", None)
        with pytest.raises(ConflictError, match="no plan"):
            activate_segment(connection, "young-payroll", 1)
        for wrong in (("", "B001", "call"), ("plan", " ", "call"), ("plan", "B001", "")):
            with pytest.raises(InputError, match="lacks"):
                plan_segment(connection, "young-payroll", 1, *wrong)
        with pytest.raises(NotFoundError, match="no unit"):
            plan_segment(connection, "young-payroll", 1, "plan", "NOBODY", "call")
        plan_segment(connection, "young-payroll", 1, "开门红", "M00001", "每月一次电话")
        active = activate_segment(connection, "young-payroll", 1)
        assert active.active
        assert active.plan is not None
        assert (active.plan.title, active.plan.owner) == ("开门红", "M00001")
        assert activate_segment(connection, "young-payroll", 1).active_from == active.active_from
        with pytest.raises(ConflictError, match="keeps its plan"):
            plan_segment(connection, "young-payroll", 1, "other", "M00001", "x")


def test_the_database_itself_refuses_an_active_segment_without_a_plan(folk: Folk, store: Store) -> None:
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        save_segment(connection, CATALOGUE, "bare", TITLE, RULE)
    with pytest.raises(Exception, match="segment_plan"), store.begin(_program(), Role.OWNER) as connection:
        connection.execute(text("UPDATE segment SET active_from = now() WHERE name = 'bare'"))


def test_the_next_version_replaces_the_active_one_and_the_same_words_are_no_version(folk: Folk, store: Store) -> None:
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        save_segment(connection, CATALOGUE, "a", TITLE, RULE)
        assert save_segment(connection, CATALOGUE, "a", TITLE, f" {RULE} ").version == 1
        second = save_segment(connection, CATALOGUE, "a", TITLE, "age < 30")
        assert second.version == 2
        for version in (1, 2):
            plan_segment(connection, "a", version, "p", "B001", "d")
            activate_segment(connection, "a", version)
        assert [(one.version, one.active) for one in versions_of(connection, "a")] == [(2, True), (1, False)]
        assert [one.version for one in segments(connection, active=True)] == [2]
        with pytest.raises(ConflictError, match="retired"):
            activate_segment(connection, "a", 1)
        retire_segment(connection, "a", "over")
        assert segments(connection, active=True) == []
        with pytest.raises(ConflictError, match="no active version"):
            retire_segment(connection, "a", "again")
    with store.begin(folk.who("auditor")) as connection:
        assert segment_of(connection, "a").version == 2


def test_a_branch_sees_its_own_and_head_office_s_and_changes_only_its_own(folk: Folk, store: Store) -> None:
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        save_segment(connection, CATALOGUE, "of-all", TITLE, RULE)
    branch = folk.who("branch_commander")
    with store.begin(branch) as connection:
        mine = save_segment(connection, CATALOGUE, "of-one", TITLE, RULE)
        assert mine.unit_id in branch.units
        assert {one.name for one in segments(connection)} == {"of-all", "of-one"}
    with pytest.raises(DeniedError), store.begin(branch) as connection:
        save_segment(connection, CATALOGUE, "of-all", TITLE, "age < 20")
    with store.begin(branch) as connection:
        plan_segment(connection, "of-all", 1, "p", "M00001", "d")
        assert segment_of(connection, "of-all").plan is None
    with store.begin(folk.who("relationship_manager", "service")) as connection:
        assert {one.name for one in segments(connection)} >= {"of-all"}
        with pytest.raises(DeniedError):
            save_segment(connection, CATALOGUE, "x", TITLE, RULE)
    with store.begin(_other_branch(folk)) as connection:
        assert "of-one" not in {one.name for one in segments(connection)}
        with pytest.raises(ConflictError, match="another unit"):
            save_segment(connection, CATALOGUE, "of-one", TITLE, "age < 20")


@pytest.mark.parametrize(
    ("name", "title", "rule", "error"),
    [
        ("Big", TITLE, RULE, InputError),
        ("", TITLE, RULE, InputError),
        ("a" * 49, TITLE, RULE, InputError),
        ("ok", Text("", "x"), RULE, InputError),
        ("ok", TITLE, "age <", ExpressionError),
        ("ok", TITLE, "age", ExpressionError),
        ("ok", TITLE, "watchlist", DeniedError),
        ("ok", TITLE, "coalesce(relation_risk, 0) >= 0.3", DeniedError),
    ],
)
def test_what_is_no_segment_is_refused(
    folk: Folk, store: Store, name: str, title: Text, rule: str, error: type
) -> None:
    with store.begin(folk.who("hq_strategist", "campaign")) as connection, pytest.raises(error):
        save_segment(connection, CATALOGUE, name, title, rule)


def test_clusters_part_people_and_are_the_same_again(folk: Folk, store: Store) -> None:
    table, types = _people(3_000), {"aum": MONEY, "logins": INT, "payroll": BOOL}
    found = learn_clusters(table, list(types), types, 3, 7)
    assert found == learn_clusters(table, list(types), types, 3, 7)
    placed = found.assign(table)
    assert (placed[::50] == -1).all()  # of whom something is not known
    profiles = describe(found, placed)
    assert sum(one.customers for one in profiles) == 3_000 - 60
    assert min(one.customers for one in profiles) > 300
    truth = np.arange(3_000) % 3
    for kind in range(3):  # those alike are together
        values, counts = np.unique(placed[(truth == kind) & (placed >= 0)], return_counts=True)
        assert counts.max() > 0.95 * counts.sum(), (kind, values)
    assert all(one.telling for one in profiles)
    with store.begin(folk.who("data_scientist")) as connection:
        kept = save_clusters(connection, CATALOGUE, "life", [TITLE] * 3, found)
        assert [one.name for one in kept] == ["life-1", "life-2", "life-3"]
        again = segment_of(connection, "life-2").cluster
        assert again is not None
        assert again[0] == found
        assert again[1] == 1


@pytest.mark.parametrize(("features", "count"), [([], 3), (["region"], 3), (["aum"], 1), (["aum"], 13), (["same"], 2)])
def test_what_makes_no_clusters_is_refused(features: list[str], count: int) -> None:
    types = {"aum": MONEY, "same": INT, "region": CATALOGUE["region"].type}
    table = pa.table({"aum": [1, 2, 3], "same": [5, 5, 5], "region": ["a", "b", "c"]})
    with pytest.raises(InputError):
        learn_clusters(table, features, types, count, 7)


def test_a_word_is_completed_by_its_name_or_its_title() -> None:
    assert complete("payroll and ag", CATALOGUE).before == "payroll and "
    assert "age" in [one.word for one in complete("payroll and ag", CATALOGUE).suggestions]
    assert "age" in [one.word for one in complete("年龄", CATALOGUE).suggestions]
    assert [one.word for one in complete("age betw", CATALOGUE).suggestions] == ["between"]
    for nothing in ("", "age < 30 ", "region = 'ag"):
        assert complete(nothing, CATALOGUE).suggestions == ()
    for hidden in ("froz", "watch", "relation"):
        assert not {"frozen", "watchlist", "relation_risk"} & {
            one.word for one in complete(hidden, CATALOGUE).suggestions
        }


def _people(count: int) -> pa.Table:
    """Three kinds of people, a third each; of every fiftieth one thing is not known."""
    draw = np.random.default_rng(1)
    kind = np.arange(count) % 3
    aum = np.exp(draw.normal(np.array([8.0, 13.0, 18.0])[kind], 0.3)).astype(np.int64)
    logins = draw.poisson(np.array([20, 1, 6])[kind])
    hole = np.arange(count) % 50 == 0
    return pa.table({"aum": pa.array(aum, mask=hole), "logins": logins, "payroll": kind == 0})


def _program() -> object:
    from bankloop.organization.principals import system

    return system()


def _other_branch(folk: Folk) -> object:
    folk.give("R00001", "branch_commander", ("B002",))
    return folk.who("R00001", "tasks")
