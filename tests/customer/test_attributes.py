"""Attributes: known to the day and not after, the same as daily buckets, by hand, and on another engine."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankloop.bench.attributes import by_hand
from bankloop.customer.buckets import Buckets, Happened
from bankloop.customer.catalogue import frozen_catalogue, read_catalogue
from bankloop.customer.contracts import Catalogue
from bankloop.customer.freshness import stale
from bankloop.customer.lasting import run_lengths
from bankloop.customer.state import build_state, spark_state, state_schema
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import SpecError
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from tests.customer.test_state import AS_OF, MIDNIGHT, holding, rows

ZONE = "Asia/Shanghai"
CATALOGUE = read_catalogue()
TYPES = sorted({type_ for window in Buckets(CATALOGUE, ZONE).windows.values() for type_ in window.events})
# Two hundred days about the edges of every window, to the second.
EDGES = [0, 1, 29, 30, 31, 89, 90, 91, 179, 180, 181, 200]
MOMENTS = st.one_of(
    st.builds(lambda days, seconds: MIDNIGHT - timedelta(days=days, seconds=seconds), st.sampled_from(EDGES), st.integers(-1, 2)),
    st.integers(0, 200 * 86_400).map(lambda seconds: MIDNIGHT - timedelta(seconds=seconds)),
)  # fmt: skip
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "customer_no": st.sampled_from(["1", "2", "3"]),
            "type": st.sampled_from(TYPES),
            "occurred_at": MOMENTS,
            "late": st.sampled_from([0, 60, 86_400, 9 * 86_400]),
            "channel": st.sampled_from([None, "wallet", "app"]),
            "scene": st.sampled_from([None, "wealth", "home"]),
            "amount_fen": st.sampled_from([None, -1, 0, 4_999_999, 5_000_000, 12_345]),
        }
    ),
    min_size=40,
    max_size=120,
)


def lake_of(folder: Path, events: list[dict[str, Any]]) -> Lake:
    lake = Lake(folder, MemoryManifest(), FixedClock(datetime(2026, 9, 1, tzinfo=UTC)), memory="512MB", threads=2)
    lake.publish("customer", rows("customer", *({"customer_no": number} for number in "123")), AS_OF)
    same = [holding(n, "term_deposit", 5, matures_on=AS_OF, auto_renew=[None, n % 2 == 0][n % 3 > 0]) for n in range(9)]
    lake.publish("holding", rows("holding", *same), AS_OF)
    lake.append("event", rows("event", *events), AS_OF)
    return lake


def written(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events as a source writes them: recorded when they happened, or later."""
    found = []
    for number, one in enumerate(drawn):
        plain = {k: v for k, v in one.items() if k != "late"}
        found.append({**plain, "event_id": number, "recorded_at": one["occurred_at"] + timedelta(seconds=one["late"])})
    return found


def known_by(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [e for e in events if e["recorded_at"] < MIDNIGHT and e["occurred_at"] < MIDNIGHT]


def test_the_catalogue_has_more_than_sixty_and_each_says_what_it_is() -> None:
    assert len(CATALOGUE.attributes) >= 60
    for one in CATALOGUE.attributes.values():
        assert one.label.zh
        assert one.label.en
        assert one.owner
        assert one.freshness >= 1


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(EVENTS, st.randoms(use_true_random=False))
def test_buckets_say_what_the_batch_says_in_whatever_order_events_come(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, Any]], dice: random.Random
) -> None:
    events = written(drawn)
    lake = lake_of(tmp_path_factory.mktemp("buckets"), events)
    windows = Buckets(CATALOGUE, ZONE).windows
    state = build_state(lake, CATALOGUE, AS_OF, names=windows).table.to_pylist()
    known = known_by(events)
    dice.shuffle(known)
    for row in state:
        buckets = Buckets(CATALOGUE, ZONE)
        for at, one in enumerate(e for e in known if e["customer_no"] == row["customer_no"]):
            buckets.add(Happened(one["type"], one["occurred_at"], one["channel"], one["scene"], one["amount_fen"]))
            if at == 5:
                buckets = Buckets.read(CATALOGUE, ZONE, buckets.plain())
        assert buckets.values(AS_OF) == {name: row[name] for name in windows}
        buckets.forget(AS_OF)
        assert buckets.values(AS_OF) == {name: row[name] for name in windows}


@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(EVENTS, st.randoms(use_true_random=False))
def test_shuffling_what_was_recorded_later_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, Any]], dice: random.Random
) -> None:
    events = written(drawn)
    later = [e for e in events if e["recorded_at"] >= MIDNIGHT]
    mixed = [
        {**e, "amount_fen": dice.randrange(10**6), "type": dice.choice(TYPES), "customer_no": dice.choice("123")}
        for e in later
    ]
    dice.shuffle(mixed)
    one = build_state(lake_of(tmp_path_factory.mktemp("a"), events), CATALOGUE, AS_OF)
    other = build_state(
        lake_of(tmp_path_factory.mktemp("b"), [e for e in events if e not in later] + mixed), CATALOGUE, AS_OF
    )
    assert one.digest == other.digest


def test_forgetting_keeps_what_windows_read() -> None:
    buckets = Buckets(CATALOGUE, ZONE)
    for days in (300, 200, 10):
        buckets.add(Happened("login", MIDNIGHT - timedelta(days=days, hours=1)))
    assert buckets.forget(AS_OF) > 0
    assert buckets.values(AS_OF)["days_since_last_activity"] == 10
    assert buckets.forget(AS_OF) == 0


def some_events(count: int) -> list[dict[str, Any]]:
    dice = random.Random(3)
    return written(
        [
            {"customer_no": dice.choice("123"), "type": dice.choice(TYPES), "late": dice.choice([0, 86_400]),
             "occurred_at": MIDNIGHT - timedelta(seconds=dice.randrange(200 * 86_400)), "channel": dice.choice([None, "wallet"]),
             "scene": dice.choice([None, "wealth"]), "amount_fen": dice.choice([None, 5_000_000, 7])}
            for _ in range(count)
        ]
    )  # fmt: skip


def test_the_state_is_what_an_engineer_would_write_by_hand(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, some_events(400))
    ours = build_state(lake, CATALOGUE, AS_OF).table
    raw = by_hand(lake, AS_OF, state_schema(CATALOGUE))
    assert [name for name in ours.column_names if not ours[name].equals(raw[name])] == []


def test_a_run_of_days_is_counted_back_as_each_day_was_known() -> None:
    folder_catalogue = frozen_catalogue(
        {
            "aum": {"type": "money", "zh": "资产", "en": "Assets", "owner": "r", "fact": {"sum": "balance_fen"}},
            "rich_days": {
                "type": "int",
                "zh": "富",
                "en": "Rich",
                "owner": "r",
                "lasting": {"when": "aum >= 100", "days": 4},
            },
            "poor_days": {
                "type": "int",
                "zh": "贫",
                "en": "Poor",
                "owner": "r",
                "lasting": {"when": "aum < 100", "days": 9},
            },
        }
    )
    amounts = {"A": [1, 1, 1, 1, 1, 1], "B": [1, 1, 0, 1, 1, 1], "C": [0, 0, 1, 1], "D": [1, None, 1, 1]}
    asked: list[date] = []

    def known(day: date, part: Catalogue) -> pa.Table | None:
        back = (AS_OF - day).days
        asked.append(day)
        if back >= 6:
            return None
        here = {name: rich[back] for name, rich in amounts.items() if back < len(rich)}
        held = list(here.values())
        assert set(part.attributes) == {"aum", "_held_rich_days", "_held_poor_days"}
        return pa.table(
            {
                "customer_no": pa.array(list(here), pa.string()),
                "_held_rich_days": pa.array([None if one is None else bool(one) for one in held], pa.bool_()),
                "_held_poor_days": pa.array([None if one is None else not one for one in held], pa.bool_()),
            }
        )

    found = run_lengths(folder_catalogue, AS_OF, known)
    lengths = {
        name: dict(zip(*(table[c].to_pylist() for c in ("customer_no", "score")), strict=True))
        for name, table in found.items()
    }
    assert lengths["rich_days"] == {"A": 4, "B": 2, "C": 0, "D": 1}
    assert lengths["poor_days"] == {"A": 0, "B": 0, "C": 2, "D": 0}
    assert asked == [AS_OF - timedelta(days=back) for back in range(len(asked))]
    assert len(asked) == 5  # nobody's run goes further back than the fourth day
    with pytest.raises(SpecError, match="cannot be made of another"):
        frozen_catalogue(
            {
                **folder_catalogue.definitions,
                "x": {
                    "type": "int",
                    "zh": "x",
                    "en": "x",
                    "owner": "r",
                    "lasting": {"when": "rich_days > 2", "days": 3},
                },
            }
        )


@pytest.mark.spark
def test_spark_says_the_same_of_everybody(tmp_path: Path, spark_session: Any) -> None:
    lake = lake_of(tmp_path, some_events(400))
    files = {name: lake.paths(lake.version(name)) for name in ("customer", "holding", "event")}
    ours = build_state(lake, CATALOGUE, AS_OF).table
    theirs = spark_state(spark_session, files, CATALOGUE, AS_OF, ZONE)
    assert [name for name in ours.column_names if not ours[name].equals(theirs[name])] == []


def test_what_stands_on_old_data_is_stale_and_so_is_what_reads_it() -> None:
    newest = {"customer": AS_OF, "holding": AS_OF - timedelta(days=3), "event": AS_OF}
    found = stale(CATALOGUE, newest, AS_OF + timedelta(days=1))
    assert {"deposits", "aum", "tier", "relationship_score"} <= set(found)
    assert not {"age", "login_days_30d"} & set(found)
    assert found["tier"] == 4
    assert stale(CATALOGUE, {}, AS_OF)["age"] == 9999


@pytest.mark.parametrize("days", ["0", "soon", "true"])
def test_a_freshness_that_cannot_be_names_its_place(tmp_path: Path, days: str) -> None:
    (tmp_path / "attributes").mkdir()
    own = f"attributes:\n  own: {{type: int, zh: a, en: a, owner: x, freshness: {days}, rule: age + 1}}\n"
    (tmp_path / "attributes" / "own.yaml").write_text(own, encoding="utf-8")
    with pytest.raises(SpecError, match=r"own\.yaml:2"):
        read_catalogue(tmp_path)
