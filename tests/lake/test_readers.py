"""Files of a stated encoding as UTF-8: each line that does not decode is left out and named, every other line stays."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.lake import readers
from bankloop.lake.engine import connect
from bankloop.lake.sources import Source

_LINES = st.lists(
    st.one_of(
        st.text(alphabet="客户号经理ab1|@ ", max_size=12).map(lambda text: text.encode("gbk")),
        st.binary(max_size=6).filter(lambda raw: b"\n" not in raw and b"\r" not in raw),
        st.just(b""),
    ),
    max_size=40,
)


def _decoded(line: bytes, encoding: str) -> str:
    """What calls itself GBK is read as its superset, and a lone 0x80 is the euro."""
    if encoding == "utf-8":
        return line.decode()
    try:
        return line.decode("gb18030")
    except UnicodeDecodeError as error:
        if line[error.start] != 0x80:
            raise
        return line[: error.start].decode("gb18030") + "€" + _decoded(line[error.start + 1 :], encoding)


def _line_by_line(lines: list[bytes], encoding: str) -> tuple[list[str], list[int], list[int]]:
    kept, broken, blank = [], [], []
    for number, line in enumerate(lines, 1):
        try:
            kept.append(_decoded(line, encoding))
        except UnicodeDecodeError:
            broken.append(number)
            continue
        if not line:
            blank.append(number)
    return kept, broken, blank


@given(lines=_LINES, encoding=st.sampled_from(["gbk", "gb18030", "utf-8"]), chunk=st.sampled_from([7, 64, 1 << 20]))
def test_each_broken_line_costs_that_line(lines: list[bytes], encoding: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as place:
        patch.setattr(readers, "_CHUNK", chunk)
        patch.setattr(readers, "_STEP", 5)
        path = Path(place) / "in" / "a.dat"
        path.parent.mkdir()
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        text, broken = readers.as_utf8(path, encoding, Path(place))
        kept, refused, empty = _line_by_line(lines, encoding)
        assert text.path.read_bytes().decode("utf-8").split("\n")[:-1] == kept
        assert [reject.line for reject in broken] == refused
        assert text.blank.tolist() == empty
        assert text.lines == len(lines)


def test_rows_of_a_long_file_keep_their_numbers_when_several_threads_read_it(tmp_path: Path) -> None:
    # More than two row groups, in lines of changing length, so that threads start in the middle of it.
    path = tmp_path / "unit.csv"
    path.write_text("unit_id,name\n" + "".join(f"{n},{'x' * (n % 40)}\n" for n in range(1, 300_001)), encoding="utf-8")
    connection = connect(tmp_path / "spill", "512MB", threads=4)
    raw = readers.read_file(connection, Source("units", "unit", "unit.csv", "csv", "bank.yaml:1"), path, tmp_path)
    found = connection.sql(
        f"SELECT count(*), count(*) FILTER (WHERE _row = CAST(unit_id AS BIGINT)) FROM ({raw.relation})"
    )
    assert found.fetchall() == [(300_000, 300_000)]
