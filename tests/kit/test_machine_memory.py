"""What bounds a process's memory is found wherever it is set, and the tightest of it decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import EnvironmentFault
from bankloop.kit.machine_memory import (
    LEAST_ADDRESSES,
    LEAST_BYTES,
    MemoryBound,
    check_memory,
    is_out_of_memory,
    memory_bounds,
    tightest_bound,
)
from bankloop.kit.text import Text

WHO = Text("谁", "who")


def bounds_in(groups: Path, *lines: str) -> list[int]:
    """Return what the control groups under a folder leave to a process that is in these of them."""
    own = groups / "own"
    own.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [one.leaves for one in memory_bounds(groups, own) if str(groups) in one.set_by.en]


def limit(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="ascii")


def test_a_group_s_limit_and_those_above_it_are_found(tmp_path: Path) -> None:
    limit(tmp_path / "a" / "b" / "memory.max", "1000")
    limit(tmp_path / "a" / "memory.max", "500")
    limit(tmp_path / "memory.max", "max")
    limit(tmp_path / "other" / "memory.max", "1")
    assert bounds_in(tmp_path, "0::/a/b") == [1000, 500]


def test_the_older_hierarchy_is_read_too(tmp_path: Path) -> None:
    limit(tmp_path / "memory" / "job" / "memory.limit_in_bytes", "700")
    limit(tmp_path / "cpu" / "job" / "memory.limit_in_bytes", "1")
    assert bounds_in(tmp_path, "9:name=systemd:/job", "5:cpu:/job", "4:memory:/job") == [700]
    assert bounds_in(tmp_path, "4:memory:/elsewhere") == []
    assert list(memory_bounds(tmp_path, tmp_path / "missing"))  # the machine's own remains


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(1, 2**36)), min_size=1, max_size=6))
def test_a_bank_is_opened_where_every_bound_leaves_what_it_needs(pairs: list[tuple[int, int]]) -> None:
    bounds = [MemoryBound(leaves, least, WHO) for leaves, least in pairs]
    assert tightest_bound(bounds).too_tight is any(one.too_tight for one in bounds)


@pytest.mark.parametrize("missing", [0, 1])
def test_one_byte_below_the_least_is_refused_with_who_sets_it(missing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bound = MemoryBound(LEAST_BYTES - missing, LEAST_BYTES, WHO)
    monkeypatch.setattr("bankloop.kit.machine_memory.memory_bounds", lambda: iter([bound]))
    if not missing:
        check_memory()
        return
    with pytest.raises(EnvironmentFault, match="who leaves 1535 MB of memory and at least 1536 MB") as caught:
        check_memory()
    assert caught.value.code == "machine.memory"
    assert LEAST_ADDRESSES > LEAST_BYTES


def test_an_engine_s_own_word_for_it_is_known() -> None:
    import duckdb
    import pyarrow as pa

    for error in (MemoryError(), pa.ArrowMemoryError("x"), duckdb.OutOfMemoryException("x")):
        assert is_out_of_memory(error)
    assert not is_out_of_memory(OSError("x"))
