"""Registers of people that the business lines keep, each its own way: customers, legal representatives, shop owners.

A line hands over whom it verified anew in the last month, so that a file stays small however large the bank is. Most of
them are customers of another line too, and nobody has told the bank: the same person stands in two files under two keys,
with another phone here and a mistyped birthday there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from bankloop.simulate import names
from bankloop.simulate.deliveries import CUSTOMER_HEADER, DELIMITER, NightDelivery
from bankloop.simulate.draw import Ints
from bankloop.simulate.network import NOBODY, RELATION_KINDS, Network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.streams import Streams

_YEAR = 365.2425
# Born so many years before and after 1970: strangers are of working age.
_OLDEST, _YOUNGEST = 10, 30


def write_registers(
    delivery: NightDelivery, p: Parameters, streams: Streams, network: Network, columns: Sequence[pa.Array]
) -> dict[str, int]:
    """Write the month's verified.csv, legal_rep.dat (GBK) and merchant_owner.csv; return rows by file.

    ``columns`` are those of customer.dat, a row a customer.
    """
    rng, own = streams.generator("registers"), pa.table(dict(zip(CUSTOMER_HEADER, columns, strict=True)))
    ties = np.flatnonzero(network.relation_kind == RELATION_KINDS.index("legal_representative"))
    reps, shops = _month(p, rng, ties), _month(p, rng, np.arange(len(network.merchant_owner)))
    led, kept = network.relation_from[reps], network.merchant_owner[shops]
    customers = np.unique(np.concatenate([led, kept[kept != NOBODY]]))
    also = customers[rng.random(len(customers)) < p.number("registers.also_by_core")]
    core = np.unique(np.concatenate([also, rng.integers(0, own.num_rows, len(also) // 2)]))
    firm, shop = names.numbered("K", network.relation_to[reps] + 1, 6), names.numbered("T", shops + 1, 6)
    first = _written(p, rng, own, core).append_column("客户号", own["客户号"].take(pa.array(core)))
    second = _altered(p, rng, _written(p, rng, own, led)).append_column("企业号", firm)
    third = _altered(p, rng, _written(p, rng, own, kept)).append_column("商户号", shop).drop_columns("出生日期")
    for table, system, name in ((first, "core", "verified"), (third, "acquiring", "merchant_owner")):
        pv.write_csv(table, delivery.file(system, f"{name}.csv"), pv.WriteOptions(quoting_style="needed"))
    rows = [second.column_names, *(list(row.values()) for row in second.to_pylist())]
    lines = "".join(DELIMITER.join(row) + "\n" for row in rows)
    delivery.file("corporate", "legal_rep.dat").write_bytes(lines.encode("gbk"))
    return {"verified": first.num_rows, "legal_rep": second.num_rows, "merchant_owner": third.num_rows}


def _month(p: Parameters, rng: np.random.Generator, rows: Ints) -> Ints:
    """Return those of ``rows`` whom a line verifies in a month: a share, a few at least, and no more than it can."""
    count = max(round(len(rows) * p.number("registers.share_a_month")), int(p.number("registers.least")))
    return np.sort(rng.permutation(rows)[: min(count, int(p.number("registers.most")))])


def _written(p: Parameters, rng: np.random.Generator, own: pa.Table, rows: Ints) -> pa.Table:
    """Return what a line knows of the customers at ``rows``; who is ``NOBODY`` is somebody the bank does not know."""
    count, outside = len(rows), pa.array(rows == NOBODY)
    born = rng.integers(round(-_OLDEST * _YEAR), round(_YOUNGEST * _YEAR), count)
    stranger = {
        "姓名": names.people_names(rng, count),
        "出生日期": names.days_text(born),
        "手机号": names.phones(count, int(rng.integers(0, 10**8))),
        "证件号码": names.identity_numbers(rng, born, rng.random(count) < p.number("people.female")),
    }
    known = own.select([*stranger]).take(pa.array(np.maximum(rows, 0))).combine_chunks()
    return pa.table(
        {name: pc.if_else(outside, drawn, known[name].combine_chunks()) for name, drawn in stranger.items()}
    )


def _altered(p: Parameters, rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Return people as another line has them: some gave another phone, and a few were born on another day by mistake."""
    count = table.num_rows
    phone = pa.array(rng.random(count) < p.number("registers.other_phone"))
    birth = pa.array(rng.random(count) < p.number("registers.mistyped_birth"))
    others = names.phones(count, int(rng.integers(0, 10**8)))
    # Where the day was not at hand, a clerk writes the first.
    mistyped = pc.binary_join_element_wise(pc.utf8_slice_codeunits(table["出生日期"], 0, 6), "01", "")
    table = table.set_column(2, "手机号", pc.if_else(phone, others, table["手机号"]))
    return table.set_column(1, "出生日期", pc.if_else(birth, mistyped, table["出生日期"]))
