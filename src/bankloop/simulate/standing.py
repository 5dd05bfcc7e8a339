"""Where the bank stands at the end of a day, and the files under data/truth that remember it.

``data/truth/<day>/`` holds the people, their holdings and each campaign's truth of the day after; the newest complete
day counts. Nothing but the simulator reads it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.simulate import deliveries, names
from bankloop.simulate.lookup import MONEY
from bankloop.simulate.network import NOBODY, Network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import SimulatedPeople
from bankloop.simulate.portfolios import Holdings
from bankloop.simulate.truth import CAMPAIGNS, CampaignTruth, contactable

_EFFECT = "effect:"


@dataclass(frozen=True, slots=True)
class BankStanding:
    """The bank at the end of ``day``: everybody who will be a customer, and what they hold."""

    day: date
    people: SimulatedPeople
    holdings: Holdings


def write_standing(
    home: Path,
    seed: int,
    p: Parameters,
    standing: BankStanding,
    network: Network,
    truth: dict[str, CampaignTruth],
) -> None:
    """Write what only the simulator may read: the standing, traits, potential outcomes, staff rates, parameters.

    The day's folder appears whole or not at all; one that is there already is replaced.
    """
    (home / "parameters.yaml").write_text(p.text, encoding="utf-8")
    units = pa.table(
        {
            "unit_id": deliveries.sub_branch_ids(network),
            "execution": network.execution,
            "false_log": network.false_log,
            "by_hand": network.by_hand,
        }
    )
    pq.write_table(units, home / "unit.parquet")
    target = home / standing.day.isoformat()
    made = home / f"{standing.day}.part"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    people = standing.people
    traits = pa.table(
        {
            "customer_no": names.customer_numbers(people.count),
            "unit_row": network.sub_branch,
            "managed": network.manager != NOBODY,
            "contactable": contactable(people),
            "private_banking": people.tier == len(p["tiers.cut_offs"]) - 1,
            "digital": people.digital,
            "activity": people.activity,
        }
    )
    pq.write_table(traits.replace_schema_metadata({"seed": str(seed)}), made / "customer.parquet")
    for name, one in (("people", people), ("holding", standing.holdings)):
        columns = {field.name: getattr(one, field.name) for field in fields(one)}
        pq.write_table(pa.table(columns), made / f"{name}.parquet", compression="zstd", compression_level=1)
    for name, campaign in truth.items():
        pq.write_table(_truth_table(campaign), made / f"{name}.parquet", compression="zstd")
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)


def remembered(folder: Path, before: date) -> list[date]:
    """Return the days that are remembered before another one, the first first."""
    home = folder / "data" / "truth"
    return sorted(date.fromisoformat(path.name) for path in home.glob("????-??-??") if path.name < before.isoformat())


def newest_day(folder: Path, before: date | None = None) -> Path:
    """Return the folder of the newest day that is remembered (before another one); raise ``NotFoundError`` if none."""
    home = folder / "data" / "truth"
    limit = "9999" if before is None else before.isoformat()
    days = [path for path in home.glob("????-??-??") if path.name < limit] if home.exists() else []
    if not days:
        raise NotFoundError(
            "simulate.no_truth",
            Text(
                "{folder} 里没有模拟行的真值；请先运行 bankloop simulate",
                "{folder} holds no simulated truth; run bankloop simulate first",
            ),
            folder=folder.name,
        )
    return max(days)


def read_standing(home: Path) -> BankStanding:
    """Read the standing of a day's folder."""
    return BankStanding(
        date.fromisoformat(home.name),
        SimulatedPeople(**_arrays(home / "people.parquet")),
        Holdings(**_arrays(home / "holding.parquet")),
    )


def read_truth(home: Path) -> dict[str, CampaignTruth]:
    """Read every campaign's truth of a day's folder."""
    out = {}
    for name in CAMPAIGNS:
        found = _arrays(home / f"{name}.parquet")
        out[name] = CampaignTruth(
            found["row"],
            found["type_code"],
            found["base"],
            found["assessed"],
            {key.removeprefix(_EFFECT): values for key, values in found.items() if key.startswith(_EFFECT)},
            **{money: found[money] for money in MONEY},
        )
    return out


def _truth_table(truth: CampaignTruth) -> pa.Table:
    columns = {"row": truth.rows, "type_code": truth.type_code, "base": truth.base, "assessed": truth.assessed}
    columns |= {f"{_EFFECT}{key}": values for key, values in truth.effect.items()}
    return pa.table(columns | {money: getattr(truth, money) for money in MONEY})


def _arrays(path: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(path)
    return {name: np.array(table[name].to_numpy()) for name in table.column_names}
