"""The source files as systems really send them: GBK with ``|@|`` and a flag file, CSV with BOM, xlsx, Parquet.

The bank's bank.yaml maps them back. Broken rows are added, never made of a good one, so that the good customers stay
exactly as many as were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from bankloop.simulate import names
from bankloop.simulate.contracts import EVENT_SCHEMA
from bankloop.simulate.draw import Bools, Ints
from bankloop.simulate.network import NOBODY, Network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import SimulatedPeople, day_number
from bankloop.simulate.portfolios import CLASSES, NO_DAY, PRODUCTS, Holdings
from bankloop.simulate.streams import Streams

DELIMITER = "|@|"
HEAD_OFFICE = "0000"
CUSTOMER_HEADER = (
    *("客户号", "姓名", "手机号", "空号标志", "证件号码", "出生日期", "性别", "地区", "分行号", "支行号", "管户经理"),
    *("开户日期", "代发单位", "养老金", "商户主", "员工标志", "员工亲属", "营销同意", "禁拨", "关闭个性化", "手机银行"),
    *("允许推送", "企微好友", "司法冻结", "反洗钱关注", "逾期天数", "投诉日期", "风险等级", "测评日期", "绑卡标志"),
    *("获客来源", "获客成本"),
)
HOLDING_HEADER = ("持有编号", "客户号", "产品大类", "产品代码", "余额", "开立日", "到期日", "自动转存")
_CHUNK = 200_000
_DUPLICATE, _PHONE, _FUTURE, _UNIT, _BYTES = "duplicate_key", "bad_phone", "future_date", "unknown_unit", "broken_bytes"
_CUSTOMER_DEFECTS = (_DUPLICATE, _PHONE, _FUTURE, _UNIT, _BYTES)
_FIRST_PHANTOM = 90_000_000


@dataclass(frozen=True, slots=True)
class NightDelivery:
    """Where the files of one night go, and how many bad rows of each kind they get."""

    incoming: Path
    day: date
    defects_each: int

    def file(self, system: str, name: str) -> Path:
        """Return ``incoming/day/system/name``, its folder made."""
        path = self.incoming / self.day.isoformat() / system / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def make_delivery(parameters: Parameters, incoming: Path, day: date, customers: int) -> NightDelivery:
    """Return the night's delivery with the number of defects that suits the bank's size."""
    each = max(int(parameters["defects.least"]), round(customers * parameters.number("defects.share")))
    return NightDelivery(incoming, day, each)


def branch_ids(network: Network) -> pa.Array:
    """Return a branch id for each sub-branch row."""
    return names.numbered("B", network.branch_of + 1, 3)


def sub_branch_ids(network: Network) -> pa.Array:
    """Return the sub-branch ids in row order."""
    return names.numbered("S", np.arange(1, network.sub_branches + 1), 4)


def write_core(
    delivery: NightDelivery, columns: Sequence[pa.Array], people: SimulatedPeople, holdings: Holdings
) -> dict[str, int]:
    """Write what the core system sends of one day, with its flags; return the number of bad rows by kind.

    ``columns`` are ``customer_columns`` of the day.
    """
    defects = write_customers(delivery, columns, people)
    return defects | write_holdings(delivery, holdings, people)


def write_customers(delivery: NightDelivery, columns: Sequence[pa.Array], people: SimulatedPeople) -> dict[str, int]:
    """Write customer.dat and its flag file with who is a customer by then; return the number of bad rows by kind."""
    columns, here = list(columns), present(people, delivery.day)
    if not here.all():
        columns = [column.filter(pa.array(here)) for column in columns]
    path = delivery.file("core", "customer.dat")
    with path.open("wb") as file:
        file.write((DELIMITER.join(CUSTOMER_HEADER) + "\n").encode("gbk"))
        for start in range(0, len(columns[0]), _CHUNK):
            file.write(_lines([column.slice(start, _CHUNK) for column in columns]).encode("gbk"))
        for line in _bad_customers(columns, delivery):
            file.write(line)
    rows = len(columns[0]) + len(_CUSTOMER_DEFECTS) * delivery.defects_each
    path.with_suffix(".ok").write_text(f"{rows}\n", encoding="ascii")
    return {f"customer/{kind}": delivery.defects_each for kind in _CUSTOMER_DEFECTS}


def present(people: SimulatedPeople, day: date) -> Bools:
    """Return who is a customer at the end of a day."""
    return np.asarray(people.opened_day <= day_number(day), dtype=bool)


def customer_columns(p: Parameters, streams: Streams, people: SimulatedPeople, network: Network) -> list[pa.Array]:
    """Return the columns of customer.dat as ``CUSTOMER_HEADER`` names them, a row a customer of ``people``."""
    rng = streams.generator("text")
    n = people.count
    sub = pa.array(network.sub_branch)
    region = pa.array([names.CITIES[branch % len(names.CITIES)] + "市" for branch in network.branch_of])
    sources = [str(name) for name in p["people.source_names"]]
    price = np.rint(np.array(p.numbers("people.source_costs")) * 100)[people.source]
    price = np.rint(price * np.exp(rng.normal(-0.08, 0.4, n))).astype(np.int64)
    manager = pc.if_else(
        pa.array(network.manager != NOBODY), names.numbered("M", np.maximum(network.manager, 0) + 1, 5), ""
    )
    employer = pc.if_else(
        pa.array(network.employer != NOBODY), names.numbered("E", np.maximum(network.employer, 0) + 1, 5), ""
    )
    tolerance = pa.array(["", "1", "2", "3", "4", "5"]).take(pa.array(people.tolerance))
    return [
        names.customer_numbers(n),
        names.people_names(rng, n),
        names.phones(n, int(rng.integers(0, 10**8))),
        names.flags(people.phone_bad),
        names.identity_numbers(rng, people.birth_day, people.female),
        names.days_text(people.birth_day),
        pa.array(["M", "F"]).take(pa.array(people.female.astype(np.int64))),
        region.take(sub),
        branch_ids(network).take(sub),
        sub_branch_ids(network).take(sub),
        manager,
        names.days_text(people.opened_day),
        employer,
        *(
            names.flags(mask)
            for mask in (
                people.pension,
                people.merchant_owner,
                people.staff,
                people.staff_relative,
                people.consent,
                people.do_not_contact,
                people.personalisation_off,
                people.app,
                people.push,
                people.wecom,
                people.frozen,
                people.watchlist,
            )
        ),
        pa.array(people.overdue_days).cast(pa.string()),
        names.days_text(people.complaint_day, people.complaint_day != NO_DAY),
        tolerance,
        names.days_text(people.assessed_day, people.assessed_day != NO_DAY),
        names.flags(people.bound),
        pa.array(sources).take(pa.array(people.source)),
        names.amounts(price),
    ]


def _lines(columns: Sequence[pa.Array]) -> str:
    """Return the rows as one text, each ended by a line feed."""
    joined = pc.binary_join_element_wise(*columns, DELIMITER)
    text = pc.binary_join_element_wise(joined, pa.scalar(""), "\n")
    offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    return bytes(memoryview(text.buffers()[2])[offsets[0] : offsets[-1]]).decode()


def _bad_customers(columns: list[pa.Array], delivery: NightDelivery) -> list[bytes]:
    place = {name: number for number, name in enumerate(CUSTOMER_HEADER)}
    lines = []
    for index, kind in enumerate(_CUSTOMER_DEFECTS):
        for number in range(delivery.defects_each):
            cells = [column[(index * 37 + number) % len(column)].as_py() for column in columns]
            if kind != _DUPLICATE:
                cells[0] = f"C{_FIRST_PHANTOM + index * 10_000 + number:08d}"
            if kind == _PHONE:
                cells[place["手机号"]] = f"142-{number:04d}"
            elif kind == _FUTURE:
                cells[place["开户日期"]] = f"{delivery.day.year + 1}0229"[:6] + "15"
            elif kind == _UNIT:
                cells[place["支行号"]] = "S9999"
            line = DELIMITER.join(cells).encode("gbk")
            if kind == _BYTES:
                name = cells[place["姓名"]].encode("gbk")
                line = line.replace(DELIMITER.encode() + name, DELIMITER.encode() + b"\xff\xfe" + name, 1)
            lines.append(line + b"\n")
    return lines


def write_holdings(delivery: NightDelivery, holdings: Holdings, people: SimulatedPeople) -> dict[str, int]:
    """Write holding.csv (UTF-8 with BOM) of who is a customer by then; return the number of bad rows by kind."""
    here = present(people, delivery.day)[holdings.customer]
    if not here.all():
        holdings = holdings.pick(here)
    each, total = delivery.defects_each, len(holdings.customer)
    whole = pa.table(
        [
            names.numbered("H", holdings.number, 9),
            names.numbered("C", holdings.customer + 1, 8),
            pa.array(CLASSES).take(pa.array(holdings.product_class)),
            pa.array(PRODUCTS).take(pa.array(holdings.product)),
            names.amounts(holdings.balance_fen),
            _iso(holdings.opened_day),
            _iso(holdings.matures_day),
            pa.array(["", "否", "是"]).take(pa.array(holdings.auto_renew + 1)),
        ],
        names=list(HOLDING_HEADER),
    )
    bad = pa.table(
        {
            "持有编号": [f"H8{number:08d}" for number in range(2 * each)],
            "客户号": [f"C{_FIRST_PHANTOM + 900_000 + number:08d}" for number in range(each)] + ["C00000001"] * each,
            "产品大类": ["demand_deposit"] * each + ["lottery"] * each,
            "产品代码": ["demand-deposit"] * 2 * each,
            "余额": ["100.00"] * 2 * each,
            "开立日": ["2026-01-05"] * 2 * each,
            "到期日": [""] * 2 * each,
            "自动转存": [""] * 2 * each,
        }
    )
    path = delivery.file("core", "holding.csv")
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        options = pv.WriteOptions(quoting_style="needed")
        pv.write_csv(pa.concat_tables([whole, bad]), file, options)
    path.with_suffix(".ok").write_text(f"{total + 2 * each}\n", encoding="ascii")
    return {"holding/unknown_customer": each, "holding/unknown_class": each}


def _iso(days: Ints) -> pa.Array:
    # Dates repeat: format each day once.
    low = int(days.min()) if len(days) else 0
    spell = pa.array(
        [""] + [str(day) for day in np.arange(low, int(days.max()) + 1).astype("datetime64[D]")] if len(days) else [""]
    )
    return spell.take(pa.array(np.where(days < 0, 0, days - low + 1)))


def write_month(delivery: NightDelivery, month: str, events: pa.Table, last: bool) -> dict[str, int]:
    """Write one month of events; the last one gets events from the future. Return the defects by kind."""
    path = delivery.file("events", f"{month}.parquet")
    each = delivery.defects_each if last else 0
    if each:
        future = np.datetime64(delivery.day, "us") + np.timedelta64(400, "D")
        moment = pa.array(np.full(each, future)).cast(pa.timestamp("us", tz="UTC"))
        bad = pa.table(
            {
                "source": ["core"] * each,
                "event_id": np.arange(each) + 9_000_000_000,
                "customer_no": ["C00000001"] * each,
                "type": ["transaction"] * each,
                "occurred_at": moment,
                "recorded_at": moment,
                "channel": ["card"] * each,
                "scene": ["retail"] * each,
                "amount_fen": np.full(each, 100),
            }
        ).cast(EVENT_SCHEMA)
        events = pa.concat_tables([events.cast(EVENT_SCHEMA), bad])
    pq.write_table(events, path, compression="zstd", store_schema=False, row_group_size=500_000)
    return {"event/future_date": each} if each else {}
