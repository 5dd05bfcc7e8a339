"""The two examples on real data where it is at hand, and always on generated files of the same columns."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

REPO = Path(__file__).resolve().parents[2]
EXAMPLES = REPO / "examples"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside a checkout; they are never part of it."""
    data = REPO.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the public data sets are not beside this checkout; the generated twins are tested instead")
    return data


@pytest.fixture(scope="session")
def examples() -> Path:
    """The bank folders of the repository."""
    return EXAMPLES


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """A copy of an example in which texts of its files are replaced; each must be there."""

    def edit(name: str, *changes: tuple[str, str]) -> Path:
        folder = tmp_path / name
        shutil.copytree(EXAMPLES / name, folder)
        for old, new in changes:
            path = next(p for p in sorted(folder.glob("*.yaml"), reverse=True) if old in p.read_text("utf-8"))
            path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
        return folder

    return edit


@pytest.fixture(scope="session")
def mailing_twin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """A generated first mailing, and the true visits per 1,000 of its policies.

    The men's mail moves those who bought men's goods by 12 points, the women's mail those who bought women's goods.
    """
    rng = np.random.default_rng(5)
    n = 16_000
    mens = rng.integers(0, 2, n)
    womens = np.where(mens == 1, rng.integers(0, 2, n), 1)
    base = 0.08 + 0.04 * rng.integers(0, 2, n)
    chance = {
        "No E-Mail": base,
        "Mens E-Mail": base + 0.12 * mens * (1 - womens) + 0.01,
        "Womens E-Mail": base + 0.12 * womens,
    }
    mail = rng.permutation(np.resize(list(chance), n))
    visit = (rng.random(n) < np.select([mail == name for name in chance], list(chance.values()))).astype(int)
    table = pa.table(
        {
            "recency": rng.integers(1, 13, n),
            "history_segment": ["1) $0 - $100"] * n,
            "history": np.round(np.exp(rng.normal(5, 1, n)), 2),
            "mens": mens,
            "womens": womens,
            "zip_code": rng.choice(["Urban", "Rural", "Surburban"], n),
            "newbie": rng.integers(0, 2, n),
            "channel": rng.choice(["Web", "Phone", "Multichannel"], n),
            "segment": mail,
            "visit": visit,
            "conversion": visit * (rng.random(n) < 0.1),
            "spend": np.round(visit * np.exp(rng.normal(2, 0.5, n)), 2),
        }
    )
    folder = tmp_path_factory.mktemp("mailing")
    with pa.CompressedOutputStream(str(folder / "hillstrom.csv.gz"), "gzip") as out:
        pcsv.write_csv(table, out)
    best = np.maximum(chance["Mens E-Mail"], chance["Womens E-Mail"]) - base
    truth = {
        "nobody": 1_000 * base.mean(),
        "everybody_mens": 1_000 * chance["Mens E-Mail"].mean(),
        "everybody_womens": 1_000 * chance["Womens E-Mail"].mean(),
        "best_half": 1_000 * (base.sum() + np.sort(best)[n // 2 :].sum()) / n,
    }
    return folder, truth


# Band: share of customers, dearest rate offered in waves 2 and 3, take-up at 0 %, loss of take-up per point.
BANDS = {"LOW": (0.12, 7.75, 0.22, 0.005), "MEDIUM": (0.09, 9.75, 0.20, 0.004), "HIGH": (0.79, 11.75, 0.13, 0.009)}


@pytest.fixture(scope="session")
def loan_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated loan mailing: prices cost little demand in the low and medium bands and much in the high one."""
    folder = tmp_path_factory.mktemp("loans")
    pq.write_table(loan_table(24_000, 9), folder / "kz_demandelasts_aer08.parquet")
    return folder


def loan_table(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    risk = rng.choice(list(BANDS), n, p=[share for share, *_ in BANDS.values()])
    wave = rng.choice([1, 2, 3], n, p=[0.1, 0.35, 0.55])
    _, top, start, slope = (np.array([BANDS[band][part] for band in risk]) for part in range(4))
    top = np.where(wave == 1, top + 2.0, top)
    rate = 3.25 + 0.25 * np.floor(rng.random(n) * ((top - 3.25) / 0.25 + 1))
    taken = rng.random(n) < start - slope * rate
    amount = np.where(taken, np.maximum(200, 100 * np.rint(rng.lognormal(2.3, 0.4, n))), 0.0)
    late = np.where(rng.random(n) < 0.5, 0.0, 0.2 * amount * rng.random(n))
    return pa.table(
        {
            "wave": pa.array(wave, pa.int8()),
            "risk": risk,
            "offer4": rate,
            "tookup": pa.array(taken.astype(int), pa.int8()),
            "grossinterest": pa.array(amount * 4 * rate / 100, pa.float32()),
            "pstdue_average": pa.array(late, pa.float32(), mask=~taken),
            "lastamount": 100 * np.rint(rng.lognormal(2.3, 0.4, n)),
            "trcount": pa.array(rng.integers(1, 20, n).astype(float), mask=rng.random(n) < 0.01),
            "dormancy": pa.array(rng.integers(0, 25, n), pa.int8()),
            "age": rng.integers(20, 80, n).astype(float),
            "female": rng.integers(0, 2, n),
            "married": rng.integers(0, 2, n),
            "province": rng.choice(["Gauteng", "KwaZulu-Natal"], n),
        }
    )
