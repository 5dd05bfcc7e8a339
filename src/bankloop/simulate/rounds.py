"""After a round: the bank moves on by what people did, and its core system delivers the next day's files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.simulate import deliveries, history, net_values
from bankloop.simulate.contracts import Response
from bankloop.simulate.draw import Ints
from bankloop.simulate.lookup import number_rows
from bankloop.simulate.moving import Dated, Notes, move, naturally, reached_deeds, settled
from bankloop.simulate.network import make_network
from bankloop.simulate.parameters import Parameters
from bankloop.simulate.people import day_number
from bankloop.simulate.standing import newest_day, read_standing, read_truth, remembered, write_standing
from bankloop.simulate.streams import Streams, uniforms
from bankloop.simulate.truth import CampaignTruth, make_truth


def advance(
    folder: Path, seed: int, p: Parameters, responses: Sequence[Response], day: date, with_events: bool
) -> Path:
    """Move the bank from the newest day before ``day`` to ``day``; return the folder of the files delivered."""
    home = newest_day(folder, before=day)
    before, truth, streams = read_standing(home), read_truth(home), Streams(seed)
    begin = before.day + timedelta(days=1)
    _check(before.day, day, responses)
    network = make_network(p, streams, before.people)
    done = {name: _reached(name, one, responses, day) for name, one in truth.items()}
    natural = {
        name: naturally(p, streams, before, name, one, begin, day, ~np.isin(one.rows, _asked(name, responses)))
        for name, one in truth.items()
    }
    reached = {name: _both(done[name], natural[name]) for name in truth}
    after, matured = move(
        p, streams, before, truth, reached, day, _notes(p, seed, responses, day), done["keep-deposits"].rows
    )
    fresh = make_truth(p, streams, after.people, network, after.holdings, day + timedelta(days=1))
    ratio = p.number("first-wealth.unassessed")
    new = {name: settled(truth[name], one, ratio) for name, one in fresh.items()}
    delivery = deliveries.make_delivery(p, folder / "data" / "incoming", day, before.people.count)
    flag = delivery.file("", ".ok")
    flag.unlink(missing_ok=True)
    columns = deliveries.customer_columns(p, streams, after.people, network)
    deliveries.write_core(delivery, columns, after.people, after.holdings)
    values = net_values.net_values(p, seed, [*remembered(folder, day), day])
    net_values.write_net_values(delivery, values, after=before.day)
    if with_events:
        unasked = history.joined(matured, *(reached_deeds(name, truth[name], one) for name, one in natural.items()))
        payments = reached_deeds("bind-card", truth["bind-card"], reached["bind-card"])
        low, high = day_number(begin), day_number(day) + 1
        events = history.window_events(p, streams, before.people, network, unasked, payments, low, high)
        deliveries.write_month(delivery, f"{begin}_{day}", events, last=False)
    write_standing(folder / "data" / "truth", seed, p, after, network, new)
    flag.write_bytes(b"")
    return flag.parent


def _check(before: date, day: date, responses: Sequence[Response]) -> None:
    for response in responses:
        last = pc.max(response.table["contacted_on"]).as_py()
        if last is not None and not before < last <= day:
            raise InputError(
                "simulate.round_outside",
                Text(
                    "活动“{campaign}”的触达日 {contacted} 不在 {before} 之后、{day} 之前",
                    "'{campaign}' was contacted on {contacted}, which is not after {before} and until {day}",
                ),
                campaign=response.campaign,
                contacted=last,
                before=before,
                day=day,
            )


def _asked(campaign: str, responses: Sequence[Response]) -> Ints:
    rows = [number_rows(one.table["customer_no"].combine_chunks()) for one in responses if one.campaign == campaign]
    return np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)


def _marked(table: pa.Table, mark: pa.ChunkedArray, days: str, day: date) -> tuple[Ints, Ints]:
    """Return rows and days of the marked customers, a day beyond the round drawn into it."""
    hit = table.filter(mark)
    when = hit[days].cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]").astype(np.int64)
    return number_rows(hit["customer_no"].combine_chunks()), np.minimum(when, day_number(day))


def _first(parts: list[tuple[Ints, Ints]]) -> Dated:
    """Return each customer's first day."""
    if not parts:
        return Dated(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    rows, day = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    order = np.lexsort((day, rows))
    unique, first = np.unique(rows[order], return_index=True)
    return Dated(unique, day[order][first])


def _reached(campaign: str, truth: CampaignTruth, responses: Sequence[Response], day: date) -> Dated:
    own = [one.table for one in responses if one.campaign == campaign]
    found = _first([_marked(table, table["success"], "success_at", day) for table in own])
    inside = np.isin(found.rows, truth.rows)
    return Dated(found.rows[inside], found.day[inside])


def _both(one: Dated, other: Dated) -> Dated:
    return _first([(one.rows, one.day), (other.rows, other.day)])


def _notes(p: Parameters, seed: int, responses: Sequence[Response], day: date) -> Notes:
    """Return what customers told the bank; who takes up an invitation does the assessment as often as stated."""
    tables = [one.table for one in responses]
    complained = _first([_marked(table, table["complained"], "contacted_on", day) for table in tables])
    unsubscribed = _first([_marked(table, table["unsubscribed"], "contacted_on", day) for table in tables])
    took_up = []
    for table in tables:
        invited = pc.starts_with(table["action"], "risk-assessment")
        answered = pc.or_(table["opened"], table["connected"])
        took_up.append(_marked(table, pc.and_(invited, answered), "contacted_on", day))
    found = _first(took_up)
    does = uniforms(found.rows, seed, "invitation", day) < p.number("assessment.done_when_invited")
    return Notes(Dated(found.rows[does], found.day[does]), complained, unsubscribed)
