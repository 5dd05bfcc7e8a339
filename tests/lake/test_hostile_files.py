"""Files that want to fill the machine, and files of any bytes: read or refused with their name, in little memory."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankloop.kit.bounded import Bounds
from bankloop.kit.errors import DataError
from bankloop.lake.engine import connect
from bankloop.lake.outside import HELD, parquet_within, text_within
from bankloop.lake.readers import read_file
from bankloop.lake.sheets import sheet_rows
from bankloop.lake.sources import Source

_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
_NAMES = {"csv": "unit.csv", "xlsx": "unit.xlsx", "parquet": "unit.parquet"}
# What the process has loaded takes some 300 MB; none of these files may add a gigabyte.
_MOST_KB = 900_000


def source(kind: str, **given: object) -> Source:
    return Source("units", "unit", "*", kind, "bank.yaml:1", **given)  # type: ignore[arg-type]


def book(*rows: tuple[object, ...]) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(out)
    return out.getvalue()


def with_part(body: bytes, name: str, content: str | bytes) -> bytes:
    """Return a workbook with one part of it written anew."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.namelist():
            new.writestr(one, content if one == name else old.read(one))
    return out.getvalue()


def with_sheet(rows: str, body: bytes | None = None) -> bytes:
    return with_part(body or book(("a",)), "xl/worksheets/sheet1.xml", _SHEET.format(rows))


def refused(body: bytes, bounds: Bounds | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        list(sheet_rows(body, "list.xlsx", bounds) if bounds else sheet_rows(body, "list.xlsx"))
    assert "list.xlsx" in caught.value.message.en
    return caught.value


def test_a_sheet_is_bounded_by_what_it_gives_not_by_what_it_says() -> None:
    small = Bounds(size=1 << 20, unpacked=8 << 20, rows=100, columns=50)
    assert refused(with_sheet('<row r="99999999"><c r="A1"><v>1</v></c></row>'), small).code == "file.bounds"
    assert refused(with_sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>'), small).code == "file.bounds"
    assert refused(with_sheet("<row/>" * 101), small).code == "file.bounds"
    assert refused(with_sheet("<row>" + " " * (9 << 20) + "</row>"), small).code == "file.bounds"
    assert refused(b"\0" * ((1 << 20) + 1), small).code == "file.bounds"
    assert refused(with_part(book(("a",)), "xl/styles.xml", b"\0" * (64 << 20))).code == "file.bounds"
    assert refused(with_sheet("<row>" * 200_000), small).code in ("file.not_xlsx", "file.bounds")
    assert len(list(sheet_rows(with_sheet("<row/>" * 100), "list.xlsx", small))) == 100


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "cut short"),
        (b"MZ not at all", "cut short"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "97"),
        (book(("a",))[:-100], "cut short"),
        (with_sheet("<row><c"), "damaged"),
    ],
)
def test_what_is_no_xlsx_is_said_to_be_none(body: bytes, says: str) -> None:
    found = refused(body)
    assert (found.code, says in found.message.en) == ("file.not_xlsx", True), found


def test_entities_unfold_to_nothing() -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    sheet = laughs + "]>" + _SHEET.format('<row r="1"><c r="A1" t="str"><v>&a9;</v></c></row>')
    assert refused(with_part(book(("a",)), "xl/worksheets/sheet1.xml", sheet)).code == "file.not_xlsx"


def test_parquet_is_bounded_by_its_footer(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    pq.write_table(pa.table({f"c{n}": [1] for n in range(2_001)}), path)
    with pytest.raises(DataError, match="columns"):
        parquet_within(path)
    # A run of one value packs to nothing: four hundred million bytes in a file of some kilobytes.
    pq.write_table(
        pa.table({"a": pa.array([b"x" * 4_000]).take(pa.array([0] * 100_000))}),
        path,
        use_dictionary=False,
        compression="zstd",
    )
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DataError, match="bytes unpacked"):
        parquet_within(path, Bounds(1 << 30, 100 << 20, 10**9))
    with pytest.raises(DataError, match="rows"):
        parquet_within(path, Bounds(1 << 30, 1 << 30, 99_999))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(OSError, match="Parquet"):
        parquet_within(path)


def test_text_is_bounded_in_its_lines_and_in_what_it_unpacks_to(tmp_path: Path) -> None:
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(b"a,b\n" * (16 << 20)))
    with pytest.raises(DataError, match="times its size"):
        text_within(packed)
    packed.write_bytes(gzip.compress(b"a,b\n1,2\n")[:-6])
    with pytest.raises(OSError, match="cut short"):
        text_within(packed)
    endless = tmp_path / "a.csv"
    endless.write_bytes(b"x" * (20 << 20))
    with pytest.raises(DataError, match="in a line"):
        text_within(endless, HELD)
    wide = tmp_path / "wide.csv"
    wide.write_bytes(b",".join(b"c%d" % n for n in range(2_001)) + b"\n")
    with connect(tmp_path / "spill", "256MB", 1) as engine, pytest.raises(DataError, match="columns"):
        read_file(engine, source("csv"), wide, tmp_path)


_BYTES = st.one_of(
    st.binary(max_size=300),
    st.text(alphabet='a,"\n\r\0号|1;\t', max_size=120).map(str.encode),
    st.text(alphabet="客户号a,\n\r\"'", max_size=60).map(lambda text: text.encode("gb18030")),
    st.sampled_from([book(("a", None, "b"), (1, 2, 3)), b"PAR1" + b"\0" * 40 + b"PAR1"]).flatmap(
        lambda whole: st.tuples(st.integers(0, len(whole)), st.binary(max_size=8)).map(
            lambda cut: whole[: cut[0]] + cut[1] + whole[cut[0] + len(cut[1]) :]
        )
    ),
)


@settings(max_examples=150)
@given(body=_BYTES, kind=st.sampled_from(["csv", "xlsx", "parquet"]), encoding=st.sampled_from(["utf-8", "gbk"]))
def test_any_bytes_are_read_or_refused_by_name_and_every_line_is_somebody_s(
    body: bytes, kind: str, encoding: str
) -> None:
    with TemporaryDirectory() as place, connect(Path(place) / "spill", "256MB", 1) as engine:
        path = Path(place) / _NAMES[kind]
        path.write_bytes(body)
        try:
            raw = read_file(engine, source(kind, encoding=encoding), path, Path(place))
        except DataError as error:
            said = error.message.en
        else:
            said = ""
        if said:
            assert path.name in said
            assert "Error:" not in said
            return
        rows = engine.sql(f"SELECT count(*) FROM ({raw.relation})").fetchall()[0][0]
        if kind == "csv":
            end = b"\n" if b"\n" in body else b"\r"
            lines = body.count(end) + (not body.endswith(end))
            assert rows + raw.rejected + len(raw.skipped) + raw.first_line - 1 == lines


_PROGRAM = r"""
import pathlib, re, sys
from bankloop.kit.errors import BankloopError
from bankloop.kit.located import read_located
from bankloop.lake.engine import connect
from bankloop.lake.readers import read_file
from bankloop.lake.sources import Source

for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        if path.suffix == ".yaml":
            read_located(path)
        else:
            kind = path.name.removesuffix(".gz").rpartition(".")[2]
            with connect(path.parent.parent / "spill", "256MB", 1) as engine:
                read_file(engine, Source("u", "unit", "*", kind, "x"), path, path.parent.parent)
        print("read", path.name)
    except BankloopError as error:
        print(error.code)
print(re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


def test_none_of_them_fills_the_memory(tmp_path: Path) -> None:
    bombs = tmp_path / "bombs"
    bombs.mkdir()
    nine = "\n".join(
        ["a0: &a0 [" + "x, " * 8 + "x]"]
        + [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 10)]
    )
    (bombs / "laughs.yaml").write_text(nine)
    (bombs / "deep.yaml").write_text("[" * 900_000)
    (bombs / "bomb.xlsx").write_bytes(with_part(book(("a",)), "xl/styles.xml", b"\0" * (1 << 30)))
    (bombs / "rows.xlsx").write_bytes(with_sheet('<row><c t="str"><v>a</v></c></row><row r="2000000000"/>'))
    (bombs / "bomb.csv.gz").write_bytes(gzip.compress(b"x" * (1 << 30), 1))
    (bombs / "line.csv").write_bytes(b"x" * (64 << 20))
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(bombs)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    *codes, most = done.stdout.split()
    assert codes == ["file.bounds", "file.bounds", "spec.bounds", "spec.bounds", "file.bounds", "file.bounds"], codes
    assert int(most) < _MOST_KB
