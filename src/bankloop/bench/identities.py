"""Linking measured: public sets with known truth, a simulated register, bare Splink beside it, a day's increment."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.bench import identity_specs as specs
from bankloop.bench.memory import PeakMemory
from bankloop.customer import identity
from bankloop.kit.clock import SystemClock
from bankloop.organization.principals import system
from bankloop.simulate.doubles import draw_registers
from bankloop.simulate.unkeyed import draw_unkeyed
from bankloop.store.database import open_store
from bankloop.store.embedded import remove_cluster

SEED = 42
TODAY = date(2026, 6, 30)
# Of second records without documents, how many have an error; the last is one error a record.
ERRORS = (0.3, 0.6, 1.0)
_LESS, _LEAST = 10, 20_000
# Each day's changed share.
INCREMENT = 0.01
_KEY = "source_key"

Truth = Mapping[str, str]


def measure(records: int, stored: int, data: Path | None, people: int = 1) -> dict[str, Any]:
    """Measure the public sets in the folder ``data`` (null where it is not given), and ``records`` simulated ones.

    The increment runs through the store, on ``stored`` of them; one in ``people`` of the historical set's are taken.
    """
    found: dict[str, Any] = {name: _febrl(data, files) if data else None for name, files in specs.FEBRL_FILES.items()}
    historical, reference = _historical(data, people) if data else (None, None)
    return {
        **found,
        "historical": historical,
        "reference": reference,
        "simulated": _simulated(records),
        "unkeyed": [unkeyed(max(records // _LESS, _LEAST), errors) for errors in ERRORS],
        "increment": _increment(stored),
    }


def quality(groups: Sequence[frozenset[str]], truth: Truth) -> dict[str, float]:
    """Return precision, recall and F1 over pairs of records that are in one party."""
    said = sum(_pairs(len(group)) for group in groups)
    true = sum(_pairs(n) for group in groups for n in Counter(truth[one] for one in group).values())
    there = sum(_pairs(n) for n in Counter(truth.values()).values())
    precision, recall = true / max(said, 1), true / max(there, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _timed(work: Callable[[], Sequence[frozenset[str]]], truth: Truth) -> dict[str, float]:
    start = time.monotonic()
    groups = work()
    return {**quality(groups, truth), "seconds": round(time.monotonic() - start, 2)}


def _grouped(pairs: pa.Table, least: float) -> Sequence[frozenset[str]]:
    columns = (pairs[name].to_pylist() for name in ("a", "b", "weight"))
    links = [identity.Link(a, b, identity.LinkKind.MODEL, w) for a, b, w in zip(*columns, strict=True) if w >= least]
    return identity.partition(links).groups


def _learned(table: pa.Table, spec: identity.MatchSpec, least: float) -> Sequence[frozenset[str]]:
    with duckdb.connect() as engine:
        model = identity.learn(engine, table, spec)
        return _grouped(identity.weigh(engine, table, model, least, spec), least)


def _febrl(folder: Path, files: Sequence[str]) -> dict[str, float] | None:
    if not all((folder / "febrl" / name).is_file() for name in files):
        return None
    table = specs.read_febrl(folder / "febrl", files)
    truth = {one: one.split("-")[1] for one in table["rec_id"].to_pylist()}
    return _timed(lambda: _learned(table, specs.FEBRL, identity.Thresholds().merge), truth)


def _historical(folder: Path, people: int) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    path = folder / specs.HISTORICAL_FILE
    if not path.is_file():
        return None, None
    table = specs.read_historical(path, people)
    truth = dict(zip(table["unique_id"].to_pylist(), table["cluster"].to_pylist(), strict=True))
    ours = _timed(lambda: _learned(table, specs.HISTORICAL, specs.HISTORICAL_BITS), truth)
    plain = quality(specs.plain_historical(table, specs.HISTORICAL_BITS), truth)
    return ours, {"f1": plain["f1"]}


def _simulated(records: int) -> dict[str, Any]:
    drawn = draw_registers(records, SEED)
    table = drawn.records.rename_columns(["customer_no" if c == _KEY else c for c in drawn.records.column_names])
    truth = dict(zip(drawn.truth[_KEY].to_pylist(), drawn.truth["person"].to_pylist(), strict=True))
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home, PeakMemory(Path(home)) as memory:
        found = _timed(lambda: _linked(table), truth)
    start = time.monotonic()
    specs.plain_bank(table)
    bare = round(time.monotonic() - start, 2)
    return {"records": records, **found, "peak_mb": memory.peak_mb, "splink_seconds": bare}


def _linked(records: pa.Table) -> Sequence[frozenset[str]]:
    """Everything between raw records and parties, learning included, as linking everybody does it."""
    least = identity.common_from(records.num_rows)
    with duckdb.connect() as engine:
        features = identity.make_features(engine, records, TODAY, common_from=least)
        model = identity.learn(engine, features)
        thresholds = identity.Thresholds()
        pairs = identity.weigh(engine, features, model, thresholds.review)
        engine.register("features", features)
        shared = engine.execute(
            "SELECT least(l.customer_no, r.customer_no), greatest(l.customer_no, r.customer_no), l.document_type "
            "FROM features l JOIN features r ON l.document = r.document AND l.document_type = r.document_type "
            "WHERE l.customer_no < r.customer_no"
        ).fetchall()
    links = [*identity.judge(pairs, thresholds).links, *identity.judge_documents(features, shared).links]
    return identity.partition(links, (), identity.cards_of(features, links)).groups


def unkeyed(records: int, errors: float) -> dict[str, Any]:
    """Names, births and postcodes alone: parties by what was learned, and by the true m and u of the same records."""
    drawn = draw_unkeyed(records, errors, SEED)
    table = drawn.records.rename_columns(["customer_no" if c == _KEY else c for c in drawn.records.column_names])
    truth = dict(zip(drawn.truth[_KEY].to_pylist(), drawn.truth["person"].to_pylist(), strict=True))
    with duckdb.connect() as engine:
        features = identity.make_features(engine, table, TODAY, common_from=identity.common_from(records))
        learned, true = identity.learn(engine, features), specs.true_model(engine, features, drawn.truth)
        found = {name: _weighed(engine, features, model, truth) for name, model in (("f1", learned), ("true_f1", true))}
    share = round(found["f1"] / max(found["true_f1"], 1e-9), 4)
    return {"records": records, "errors": errors, **found, "share": share}


def _weighed(engine: duckdb.DuckDBPyConnection, features: pa.Table, model: identity.Model, truth: Truth) -> float:
    """Return the F1 of the parties that a model's weights make, at the thresholds of a bank."""
    thresholds = identity.Thresholds()
    pairs = identity.weigh(engine, features, model, thresholds.review)
    links = identity.judge(pairs, thresholds).links
    return quality(identity.partition(links).groups, truth)["f1"]


def _increment(stored: int) -> dict[str, Any]:
    """A register taken in and linked, then a day's changed rows: what linking them costs, and what share it compares.

    A day lies between: what the database's own housekeeping does in it is done at once.
    """
    drawn = draw_registers(stored, SEED).records.drop_columns("source")
    changed = drawn.slice(0, max(1, round(stored * INCREMENT)))
    moved = pc.binary_join_element_wise(pa.scalar("新城路"), changed[_KEY], pa.scalar("号"), "")
    changed = changed.set_column(changed.schema.get_field_index("address"), "address", moved)
    with tempfile.TemporaryDirectory(prefix="bankloop-bench-") as home:
        folder = Path(home) / "bank"
        folder.mkdir()
        try:
            with open_store(folder, SystemClock()) as store:
                who = system("identity", "quality")
                with store.begin(who) as connection:
                    identity.register(connection, "core", drawn, date(2026, 6, 28), "first")
                    whole = identity.link_identities(connection)
                with psycopg.connect(store.admin_dsn(), autocommit=True) as admin:
                    admin.execute("VACUUM ANALYZE")
                with store.begin(who) as connection:
                    identity.register(connection, "core", changed, date(2026, 6, 29), "second")
                start = time.monotonic()
                with store.begin(who) as connection:
                    done = identity.link_identities(connection)
                seconds = time.monotonic() - start
        finally:
            remove_cluster(folder)
    share = round(done.pairs / max(whole.pairs, 1), 4)
    return {"rows": done.identities, "seconds": round(seconds, 2), "pairs_share": share}
