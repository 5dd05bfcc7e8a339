"""Public data sets that the benchmarks of models read, where the machine has them."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop.model import Trial

Floats = NDArray[np.float64]


def data_set(name: str, folder: Path | None) -> Path:
    """Return the file ``name`` under ``folder``, or under ``shared/data`` of a folder above this one."""
    places = [folder] if folder else [above / "shared" / "data" for above in (Path.cwd(), *Path.cwd().parents)]
    found = next((place / name for place in places if (place / name).exists()), None)
    if found is None:
        raise NotFoundError(
            "bench.data",
            Text(
                "没有公开数据 {name}；请下载后用 --data 指定其上级目录",
                "the public data set {name} is not here; fetch it and name the folder above it with --data",
            ),
            name=name,
        )
    return found


def _rows(path: Path, separator: str) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def _columns(rows: list[dict[str, Any]], numbers: tuple[str, ...], words: tuple[str, ...]) -> Floats:
    """Return numbers as they are, and words as one column for each of their values but the first."""
    found = [np.array([float(row[name]) for row in rows]) for name in numbers]
    for name in words:
        said = sorted({row[name] for row in rows})[1:]
        found.extend(np.array([float(row[name] == word) for row in rows]) for word in said)
    return np.column_stack(found)


def hillstrom(folder: Path | None, arm: str) -> Trial:
    """Return the e-mail trial of Hillstrom (2008): one arm ('Womens', 'Mens') against no mail; outcome: a visit."""
    rows = _rows(data_set("hillstrom/hillstrom.csv.gz", folder), ",")
    rows = [row for row in rows if row["segment"] in (f"{arm} E-Mail", "No E-Mail")]
    x = _columns(rows, ("recency", "history", "mens", "womens", "newbie"), ("history_segment", "zip_code", "channel"))
    treated = np.array([row["segment"] != "No E-Mail" for row in rows])
    y = np.array([float(row["visit"]) for row in rows])
    return Trial(x, treated, y, np.full(len(y), 0.5))


def bank_marketing(folder: Path | None) -> tuple[Floats, Floats]:
    """Return the calls of Moro et al. (2014) in the order of their dates, without the duration that nobody knows before."""
    rows = _rows(data_set("bank-marketing/bank-additional-full.csv.gz", folder), ";")
    numbers = ("age", "campaign", "pdays", "previous", "emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m",
               "nr.employed")  # fmt: skip
    words = ("job", "marital", "education", "default", "housing", "loan", "contact", "month", "day_of_week", "poutcome")
    return _columns(rows, numbers, words), np.array([float(row["y"] == "yes") for row in rows])
