"""The registers beside the core system: units, staff, firms, merchants, ties between people, identities."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from openpyxl import Workbook

from bankloop.simulate import names
from bankloop.simulate.deliveries import HEAD_OFFICE, NightDelivery, sub_branch_ids
from bankloop.simulate.draw import mark_share
from bankloop.simulate.network import NOBODY, RELATION_KINDS, Network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import SimulatedPeople, day_number
from bankloop.simulate.streams import Streams, uniforms

_STAMP = re.compile(rb">\d{4}-\d\d-\d\dT[0-9:.]+Z<")


def write_organization(
    delivery: NightDelivery, parameters: Parameters, streams: Streams, network: Network
) -> dict[str, int]:
    """Write units and staff (xlsx), employers, corporates and merchants (CSV); return rows by table."""
    rng = streams.generator("organization")
    units = _units(network)
    staff = _staff(parameters, rng, network)
    _write_xlsx(delivery.file("hr", "unit.xlsx"), units)
    _write_xlsx(delivery.file("hr", "staff.xlsx"), staff)
    sub = sub_branch_ids(network)
    firms = len(network.corporate_unit)
    employers = pa.table(
        {
            "employer_id": names.numbered("E", np.arange(1, len(network.employer_unit) + 1), 5),
            "name_zh": _firm_names(rng, len(network.employer_unit), "集团有限公司"),
            "payday": network.employer_payday,
            "unit_id": sub.take(pa.array(network.employer_unit)),
        }
    )
    corporates = pa.table(
        {
            "corporate_id": names.numbered("K", np.arange(1, firms + 1), 6),
            "name_zh": _firm_names(rng, firms, "有限公司"),
            "unit_id": sub.take(pa.array(network.corporate_unit)),
            "sector": pa.array(names.TRADES_EN).take(pa.array(network.corporate_sector)),
        }
    )
    owner = network.merchant_owner
    merchants = pa.table(
        {
            "merchant_id": names.numbered("T", np.arange(1, len(owner) + 1), 6),
            "owner_no": pc.if_else(pa.array(owner != NOBODY), names.numbered("C", np.maximum(owner, 0) + 1, 8), ""),
            "sector": pa.array(names.SHOPS).take(pa.array(network.merchant_sector)),
            "unit_id": sub.take(pa.array(network.merchant_unit)),
        }
    )
    for name, table in (("employer", employers), ("corporate", corporates), ("merchant", merchants)):
        with delivery.file("corporate", f"{name}.csv").open("wb") as file:
            file.write(b"\xef\xbb\xbf")
            pv.write_csv(table, file, pv.WriteOptions(quoting_style="needed"))
    return {
        "unit": len(units) - 1,
        "staff": len(staff) - 1,
        "employer": employers.num_rows,
        "corporate": corporates.num_rows,
        "merchant": merchants.num_rows,
    }


def _units(network: Network) -> list[list[object]]:
    rows: list[list[object]] = [["unit_id", "parent_id", "kind", "name_zh", "name_en"]]
    rows.append([HEAD_OFFICE, None, "head_office", "泉江银行总行", "Quanjiang Bank head office"])
    for branch in range(network.branches):
        zh, en = names.CITIES[branch % len(names.CITIES)], names.CITIES_EN[branch % len(names.CITIES)]
        rows.append([f"B{branch + 1:03d}", HEAD_OFFICE, "branch", f"{zh}分行", f"{en} Branch"])
    seen = dict.fromkeys(range(network.branches), 0)
    for sub, branch in enumerate(network.branch_of.tolist()):
        street, again = seen[branch] % len(names.STREETS), seen[branch] // len(names.STREETS)
        seen[branch] += 1
        zh, en = names.CITIES[branch % len(names.CITIES)], names.CITIES_EN[branch % len(names.CITIES)]
        tail_zh, tail_en = (f"第{again + 1}", f" {again + 1}") if again else ("", "")
        rows.append(
            [
                f"S{sub + 1:04d}",
                f"B{branch + 1:03d}",
                "sub_branch",
                f"{zh}{names.STREETS[street]}{tail_zh}支行",
                f"{en} {names.STREETS_EN[street]}{tail_en} Sub-branch",
            ]
        )
    return rows


def _staff(p: Parameters, rng: np.random.Generator, network: Network) -> list[list[object]]:
    minutes = int(p.number("organization.tasks_a_manager_a_day") * p.number("organization.minutes_a_task"))
    count = len(network.manager_unit)
    called = names.people_names(rng, count + network.seats + network.sub_branches).to_pylist()
    rows: list[list[object]] = [["staff_id", "unit_id", "post", "name", "on_leave", "minutes_per_day"]]
    for number, (unit, leave) in enumerate(
        zip(network.manager_unit.tolist(), network.manager_on_leave.tolist(), strict=True)
    ):
        rows.append(
            [f"M{number + 1:05d}", f"S{unit + 1:04d}", "relationship_manager", called[number], int(leave), minutes]
        )
    rows.extend(
        [f"R{number + 1:05d}", HEAD_OFFICE, "remote_seat", called[count + number], 0, 360]
        for number in range(network.seats)
    )
    for number in range(network.sub_branches):
        name = called[count + network.seats + number]
        rows.append([f"L{number + 1:05d}", f"S{number + 1:04d}", "sub_branch_head", name, 0, 0])
    return rows


def _write_xlsx(path: Path, rows: list[list[object]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(path.stem)
    for row in rows:
        sheet.append(row)
    raw = io.BytesIO()
    book.save(raw)
    # The library stamps the present moment in two places; the same seed must give the same bytes.
    with zipfile.ZipFile(raw) as found, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as settled:
        for name in found.namelist():
            content = found.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(b">2026-01-01T00:00:00Z<", content)
            settled.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def _firm_names(rng: np.random.Generator, count: int, tail: str) -> pa.Array:
    given = sorted(set(names.GIVEN))
    pick = [pa.array(given).take(pa.array(rng.integers(0, len(given), count))) for _ in range(2)]
    city = pa.array(names.CITIES).take(pa.array(rng.integers(0, len(names.CITIES), count)))
    trade = pa.array(names.TRADES).take(pa.array(rng.integers(0, len(names.TRADES), count)))
    return pc.binary_join_element_wise(city, *pick, trade, pa.scalar(tail), "")


def write_ties(
    delivery: NightDelivery, parameters: Parameters, streams: Streams, people: SimulatedPeople, network: Network
) -> dict[str, int]:
    """Write relation and identity (Parquet); return rows by table."""
    kind = network.relation_kind
    target = pc.if_else(
        pa.array(kind == 0),
        names.numbered("C", network.relation_to + 1, 8),
        pc.if_else(
            pa.array(kind == 1),
            names.numbered("E", network.relation_to + 1, 5),
            names.numbered("K", network.relation_to + 1, 6),
        ),
    )
    since = day_number(delivery.day) - (network.relation_years * 365.2425).astype(np.int64)
    relation = pa.table(
        {
            "from_no": names.numbered("C", network.relation_from + 1, 8),
            "to_no": target,
            "kind": pa.array(RELATION_KINDS).take(pa.array(kind)),
            "since": pa.array(since.astype(np.int32)).cast(pa.date32()),
        }
    )
    identity = _identities(parameters, streams, people)
    pq.write_table(relation, delivery.file("ecif", "relation.parquet"), compression="zstd")
    pq.write_table(identity, delivery.file("ecif", "identity.parquet"), compression="zstd")
    return {"relation": relation.num_rows, "identity": identity.num_rows}


def _identities(p: Parameters, streams: Streams, people: SimulatedPeople) -> pa.Table:
    n = people.count
    everyone = np.arange(n)
    wechat = mark_share(people.app * 0.5 + uniforms(everyone, streams.seed, "wechat"), p.number("digital.wechat"))
    parts = []
    for kind, mask, prefix in (
        ("wechat_openid", wechat, "o"),
        ("wecom_external_id", people.wecom, "wm"),
        ("app_login", people.app, "u"),
        ("device", people.app, "d"),
    ):
        rows = np.flatnonzero(mask)
        # A bijection of 53-bit uniforms to tokens would repeat too often; two of them make a key.
        value = (uniforms(rows, streams.seed, kind, 1) * 2**52).astype(np.uint64) << np.uint64(11)
        value ^= (uniforms(rows, streams.seed, kind, 2) * 2**52).astype(np.uint64)
        parts.append(
            pa.table(
                {
                    "customer_no": names.numbered("C", rows + 1, 8),
                    "kind": pa.array([kind] * len(rows), pa.string()),
                    "token": names.hex_tokens(value, prefix),
                }
            )
        )
    return pa.concat_tables(parts)
