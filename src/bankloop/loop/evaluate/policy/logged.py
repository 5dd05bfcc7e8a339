"""Reads the one file of a logged experiment: only the columns that bank.yaml maps, as NumPy, money in minor units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bankloop.kit.money import MAX_FEN, MINOR_UNITS
from bankloop.kit.text import Text
from bankloop.lake.outside import HELD, parquet_within, text_within, why_no_parquet
from bankloop.loop.evaluate.off_policy import Floats
from bankloop.loop.evaluate.policy import errors
from bankloop.loop.evaluate.policy.contracts import LoggedColumn, LoggedFile, Reward

# Of a value that is refused so many signs are shown.
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Experiment:
    """The mapped columns of n rows: ``numbers`` (n,) with NaN for unknown, money in minor units; ``texts`` (n,)."""

    rows: int
    file: LoggedFile
    numbers: Mapping[str, Floats]
    texts: Mapping[str, NDArray[np.str_]]

    def reward(self, reward: Reward) -> Floats:
        """Return the reward (n,) of each row, minor units where it is money; refuse a row where a part is unknown."""
        total = np.zeros(self.rows)
        for sign, names in ((1.0, reward.add), (-1.0, reward.subtract)):
            for name in names:
                column = self.numbers[name]
                if np.isnan(column).any():
                    raise errors.bad_value(
                        self.file.file, name, int(np.flatnonzero(np.isnan(column))[0]) + 1, "", "a number"
                    )
                total += sign * column * (reward.worth[name].minor if name in reward.worth else 1.0)
        return total

    def features(self, names: Iterable[str]) -> Floats:
        """Return the features (n, f): numbers, logarithms where bank.yaml says so, one column per category but the first."""
        columns: list[Floats] = []
        for name in names:
            if name in self.texts:
                values = np.unique(self.texts[name])
                columns += [(self.texts[name] == value).astype(np.float64) for value in values[1:]]
            else:
                logged = self.file.columns[name].scale == "log"
                columns.append(_signed_log(self.numbers[name]) if logged else self.numbers[name])
        return np.column_stack(columns) if columns else np.zeros((self.rows, 0))


_NO_TEXT = Text(
    "不是完整的 UTF-8 表格：各行列数不一、引号没有成对或被截断",
    "it is no whole table in UTF-8: lines of several lengths, a quote not closed, or cut short",
)


def find_file(data: Path, file: LoggedFile) -> Path:
    """Return the file in ``data``, one folder below it, or ``data`` itself; raise ``policy.no_data`` with its origin."""
    if data.is_file() and data.name == file.file:
        return data
    found = [data / file.file, *sorted(data.glob(f"*/{file.file}"))]
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise errors.no_data(data, file.file, file.origin)
    return path


def read_experiment(data: Path, file: LoggedFile) -> Experiment:
    """Read the mapped columns; raise ``DataError`` naming file, row, column, value for what cannot be read."""
    path = find_file(data, file)
    table = _table(path, file)
    numbers: dict[str, Floats] = {}
    texts: dict[str, NDArray[np.str_]] = {}
    for name, column in file.columns.items():
        values = table[column.source].combine_chunks()
        if column.type == "category":
            texts[name] = _texts(file, column, values)
        else:
            numbers[name] = _numbers(file, column, values)
    if not table.num_rows:
        raise errors.no_rows(Text(f"{file.file} ", file.file))
    return Experiment(table.num_rows, file, numbers, texts)


def _table(path: Path, file: LoggedFile) -> pa.Table:
    wanted = list(dict.fromkeys(column.source for column in file.columns.values()))
    try:
        if path.suffix == ".parquet":
            known = parquet_within(path, HELD)
            with pq.ParquetFile(path) as parquet:
                table = parquet.read(columns=[name for name in wanted if name in known])
        else:
            text_within(path, HELD)
            table = pcsv.read_csv(path)
            known = table.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = why_no_parquet(error) if path.suffix == ".parquet" else _NO_TEXT
        raise errors.unreadable(file.file, reason) from error
    for name in wanted:
        if name not in known:
            raise errors.missing_column(file.file, name, known)
    return table.select(wanted)


def _texts(file: LoggedFile, column: LoggedColumn, values: pa.Array) -> NDArray[np.str_]:
    if values.null_count:
        row = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0]) + 1
        raise errors.bad_value(file.file, column.source, row, "", "a category")
    return np.asarray(_cast(file, column, values, pa.string(), "a category").to_numpy(zero_copy_only=False), np.str_)


def _cast(file: LoggedFile, column: LoggedColumn, values: pa.Array, type_: pa.DataType, wanted: str) -> pa.Array:
    """Return values as another type; a column of a kind that cannot be it is refused by its first value."""
    try:
        return values.cast(type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row = int(np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))[0])
        said = f"{values[row].as_py()}"[:_SHOWN]
        raise errors.bad_value(file.file, column.source, row + 1, said, wanted) from error


def _numbers(file: LoggedFile, column: LoggedColumn, values: pa.Array) -> Floats:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if any(is_text(values.type) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)):
        values = _parsed(file, column, values)
    cast = _cast(file, column, values, pa.float64(), "a number")
    found = np.array(cast.to_numpy(zero_copy_only=False), dtype=np.float64)
    if np.isinf(found).any():
        raise errors.bad_value(file.file, column.source, int(np.flatnonzero(np.isinf(found))[0]) + 1, "inf", "a number")
    if column.type == "money" and (beyond := np.flatnonzero(np.abs(found) > MAX_FEN / MINOR_UNITS)).size:
        row = int(beyond[0])
        raise errors.bad_value(file.file, column.source, row + 1, f"{found[row]:g}", "an amount within ±1e14")
    if column.missing is not None:
        found[np.isnan(found)] = column.missing
    return np.rint(found * MINOR_UNITS) if column.type == "money" else found


def _parsed(file: LoggedFile, column: LoggedColumn, values: pa.Array) -> pa.Array:
    """Return a text column as numbers; one field that is none makes the reader take the whole column for text."""
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    number = pc.match_substring_regex(text, r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")
    empty = pc.or_kleene(pc.is_null(text), pc.equal(text, ""))
    wrong = np.flatnonzero(
        ~pc.or_(pc.fill_null(number, False), pc.fill_null(empty, True)).to_numpy(zero_copy_only=False)
    )
    if wrong.size:
        row = int(wrong[0])
        raise errors.bad_value(file.file, column.source, row + 1, values[row].as_py(), "a number")
    return pc.if_else(pc.fill_null(empty, True), None, text).cast(pa.float64())


def _signed_log(column: Floats) -> Floats:
    return np.asarray(np.sign(column) * np.log1p(np.abs(column)))
