"""Tables in the order of customers: whatever the batches they come in, a customer's rows are what a filter would find."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.customer.overview.ordered import Ordered, write_ordered

SCHEMA = pa.schema([("customer_no", pa.string()), ("kind", pa.string()), ("fen", pa.int64()), ("day", pa.date32())])
_CUSTOMERS = ("C1", "C10", "C2", "客户", "𠮷")
_rows = st.lists(
    st.fixed_dictionaries({
        "customer_no": st.sampled_from(_CUSTOMERS),
        "kind": st.none() | st.sampled_from(("", "定期", "wealth", "x")),
        "fen": st.none() | st.integers(-(2**63), 2**63 - 1),
        "day": st.none() | st.dates(),
    }),
    max_size=40,
)  # fmt: skip


@given(rows=_rows, size=st.integers(1, 9), most=st.none() | st.integers(1, 5))
@settings(deadline=None)
def test_a_customer_s_rows_are_found_as_they_were_written(
    rows: list[dict[str, Any]], size: int, most: int | None
) -> None:
    rows = sorted(rows, key=lambda row: row["customer_no"].encode())
    batches = pa.Table.from_pylist(rows, SCHEMA).to_batches(max_chunksize=size)
    with tempfile.TemporaryDirectory() as home:
        write_ordered(Path(home) / "some.arrow", SCHEMA, batches)
        found = Ordered(Path(home) / "some.arrow")
        for number in (*_CUSTOMERS, "", "C11", "zz"):
            mine = [
                {k: v for k, v in row.items() if k != "customer_no"} for row in rows if row["customer_no"] == number
            ]
            assert found.rows(number, most) == mine[:most]
        found.close()
