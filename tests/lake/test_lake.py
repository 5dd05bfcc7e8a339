"""Versions: whole or absent, immutable, reproducible; reads only through a scope."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import DataError, DeniedError, EnvironmentFault, InputError, LockedError, NotFoundError
from bankloop.lake import service as service_module
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ColumnType, ContractColumn, DataClass, Scope
from bankloop.lake.engine import schema_of
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake

TODAY = date(2026, 11, 22)
_DEFAULT = {
    ColumnType.STR: "x",
    ColumnType.INT: 1,
    ColumnType.BOOL: False,
    ColumnType.DATE: date(2020, 1, 2),
    ColumnType.TIMESTAMP: datetime(2026, 11, 1, 2, tzinfo=UTC),
}


def rows(table: str, *values: dict[str, Any]) -> pa.Table:
    """Return conformed rows: what is not given gets a plain default, or an allowed value."""
    contract = CONTRACTS[table]
    filled = [
        {c.name: v.get(c.name, c.allowed[0] if c.allowed else _DEFAULT[c.type]) for c in contract.columns}
        for v in values
    ]
    return pa.Table.from_pylist(filled, schema=schema_of(contract))


UNITS = [{"unit_id": "0000", "kind": "head_office"}, {"unit_id": "0100", "kind": "branch", "parent_id": "0000"}]


def names(lake: Lake, table: str, column: str, **given: Any) -> list[Any]:
    with lake.connection(Scope.whole_bank("test"), **given) as connection:
        return [row[0] for row in connection.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()]


def test_publish_then_read(lake: Lake) -> None:
    version = lake.publish("unit", rows("unit", *UNITS), TODAY)
    assert version.rows == 2
    assert lake.version("unit") == version
    assert names(lake, "unit", "unit_id") == ["0000", "0100"]


def test_a_table_without_a_version_is_an_empty_view(lake: Lake) -> None:
    assert names(lake, "event", "event_id") == []
    with pytest.raises(NotFoundError, match=r"lake\.no_version"):
        lake.version("event")


def test_the_same_content_for_the_same_day_is_the_same_version(lake: Lake, manifest: MemoryManifest) -> None:
    first = lake.publish("unit", rows("unit", *UNITS), TODAY)
    assert lake.publish("unit", rows("unit", *UNITS), TODAY) == first
    assert len(manifest.rows) == 1


def test_an_old_version_reads_as_it_was(lake: Lake) -> None:
    first = lake.publish("unit", rows("unit", *UNITS), TODAY)
    lake.publish("unit", rows("unit", *UNITS[:1]), TODAY)
    assert names(lake, "unit", "unit_id") == ["0000"]
    assert names(lake, "unit", "unit_id", versions={"unit": first.version}) == ["0000", "0100"]


def test_append_shares_the_old_files_and_stores_a_key_once(lake: Lake) -> None:
    first = lake.append("event", rows("event", {"event_id": 1}, {"event_id": 2}, {"event_id": 2}), TODAY)
    second = lake.append("event", rows("event", {"event_id": 2}, {"event_id": 3}), TODAY)
    assert second.files[: len(first.files)] == first.files
    assert (first.rows, second.rows) == (2, 3)
    assert names(lake, "event", "event_id") == [1, 2, 3]
    assert lake.append("event", rows("event", {"event_id": 3}), TODAY) == second


def test_batches_stream_in(lake: Lake) -> None:
    table = rows("unit", *UNITS)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=1))
    assert lake.publish("unit", reader, TODAY).rows == 2


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (rows("unit", *UNITS).append_column("nmae_zh", pa.array(["a", "b"])), "lake.unknown_column"),
        (rows("unit", *UNITS).drop_columns(["kind"]), "lake.missing_column"),
        (rows("unit", *UNITS).set_column(0, "unit_id", pa.array([1, 2])), "lake.wrong_type"),
        (rows("unit", UNITS[0], UNITS[0]), "lake.duplicate_key"),
        (rows("unit", {"unit_id": "9", "kind": "kiosk"}), "lake.allowed"),
        (rows("unit", *UNITS).set_column(3, "name_zh", pa.array([None, "b"])), "lake.null"),
    ],
)
def test_a_broken_contract_is_refused_and_changes_nothing(lake: Lake, table: pa.Table, code: str) -> None:
    before = lake.publish("unit", rows("unit", *UNITS), TODAY)
    with pytest.raises(DataError) as caught:
        lake.publish("unit", table, TODAY)
    assert caught.value.code == code
    assert "unit" in caught.value.message.zh
    assert lake.version("unit") == before
    assert len(list((lake.root / "unit").iterdir())) == 1


def test_a_future_moment_is_refused(lake: Lake) -> None:
    late = rows("event", {"occurred_at": datetime(2027, 1, 1, tzinfo=UTC)})
    with pytest.raises(DataError, match=r"lake\.future.*occurred_at"):
        lake.append("event", late, TODAY)


def test_an_unknown_table_names_the_nearest(lake: Lake) -> None:
    with pytest.raises(NotFoundError, match="did you mean customer"):
        lake.publish("custmer", rows("unit"), TODAY)


def test_secrets_have_no_place_in_a_contract() -> None:
    with pytest.raises(InputError, match=r"lake\.class_c3"):
        ContractColumn("password", ColumnType.STR, CONTRACTS["unit"].label, data_class=DataClass.C3)


def test_a_crash_between_rename_and_manifest_shows_nothing_and_is_pruned(
    lake: Lake, manifest: MemoryManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lake.publish("unit", rows("unit", *UNITS), TODAY)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(manifest, "publish", crash)
    # A killed process runs no cleaning either.
    monkeypatch.setattr(service_module.LakeWriter, "abandon", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        lake.publish("unit", rows("unit", UNITS[0]), TODAY)
    monkeypatch.undo()
    assert len(list((lake.root / "unit").iterdir())) == 2
    assert lake.version("unit") == first
    assert names(lake, "unit", "unit_id") == ["0000", "0100"]
    lake.publish("staff", rows("staff", {}), TODAY)
    assert len(list((lake.root / "unit").iterdir())) == 1


def test_a_full_disk_is_said_and_changes_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lake.publish("unit", rows("unit", *UNITS), TODAY)

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(service_module, "_write", full)
    with pytest.raises(EnvironmentFault, match=r"lake\.no_space") as caught:
        lake.publish("unit", rows("unit", UNITS[0]), TODAY)
    assert "清理空间" in caught.value.message.zh
    assert lake.version("unit") == first
    assert not list((lake.root / ".staging").glob("*")) if (lake.root / ".staging").exists() else True


def test_the_engine_s_full_disk_is_the_same_fault(lake: Lake) -> None:
    lake.append("event", rows("event", {"event_id": 1}), TODAY)
    with pytest.raises(EnvironmentFault), lake.engine() as connection, service_module.errors.guarded("x"):
        connection.execute("COPY (SELECT range FROM range(1000000)) TO '/dev/full' (FORMAT csv)").fetchall()


def test_two_writers_at_once_are_refused(lake: Lake) -> None:
    handle = os.open(lake.root / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(LockedError, match=r"lake\.busy"):
        lake.publish("unit", rows("unit", *UNITS), TODAY)
    os.close(handle)
    lake.publish("unit", rows("unit", *UNITS), TODAY)


def scoped(lake: Lake) -> None:
    people = [
        {"customer_no": "1", "branch_id": "A", "sub_branch_id": "A1", "frozen": True},
        {"customer_no": "2", "branch_id": "B", "sub_branch_id": "B1"},
    ]
    lake.publish("customer", rows("customer", *people), TODAY)
    lake.publish(
        "holding",
        rows("holding", {"holding_id": "h1", "customer_no": "1"}, {"holding_id": "h2", "customer_no": "2"}),
        TODAY,
    )


@pytest.mark.parametrize("unit", ["A", "A1"])
def test_a_scope_shows_its_units_rows_and_masks(lake: Lake, unit: str) -> None:
    scoped(lake)
    scope = Scope("service", frozenset({unit}))
    seen = lake.table("customer", scope).to_pyarrow().to_pylist()
    assert [row["customer_no"] for row in seen] == ["1"]
    assert seen[0]["phone_token"] == "***"
    assert seen[0]["birth_date"] is None
    assert seen[0]["frozen"] is None
    assert lake.table("holding", scope).to_pyarrow()["holding_id"].to_pylist() == ["h1"]


def test_many_threads_read_through_scopes_at_once(lake: Lake) -> None:
    """The engine refuses a second call on a busy session, so that a page under load would break where two share one."""
    scoped(lake)
    own = {number: Scope("service", None, customers=frozenset({number})) for number in ("1", "2")}

    def read(place: int) -> list[str]:
        found = lake.table("customer", own[str(place % 2 + 1)]).to_pyarrow()["customer_no"].to_pylist()
        if place == 40:
            lake.publish("unit", rows("unit", *UNITS), TODAY)
        return [str(one) for one in found]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(read, range(80)))
    assert found == [[str(place % 2 + 1)] for place in range(80)]


def test_a_scope_may_unmask_by_name(lake: Lake) -> None:
    scoped(lake)
    table = lake.table("customer", Scope.whole_bank("audit", frozenset({"frozen"}))).to_pyarrow()
    assert sorted(table["frozen"].to_pylist()) == [False, True]
    assert set(table["phone_token"].to_pylist()) == {"***"}


def test_no_purpose_or_no_units_is_denied() -> None:
    with pytest.raises(DeniedError, match=r"lake\.no_purpose"):
        Scope(" ", None)
    with pytest.raises(DeniedError, match=r"lake\.no_units"):
        Scope("service", frozenset())


def test_contracts_hold_every_table_with_an_owner() -> None:
    for contract in CONTRACTS.values():
        assert contract.owner
        assert set(contract.key) <= set(contract.names)
        assert dataclasses.is_dataclass(contract)
        assert schema_of(contract).names == list(contract.names)


def test_the_clock_is_the_lake_s_only_time(lake: Lake) -> None:
    assert isinstance(lake.clock, FixedClock)
    assert lake.publish("unit", rows("unit", *UNITS), TODAY).recorded_at == lake.clock.now()
