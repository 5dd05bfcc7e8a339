"""The attributes as Ibis expressions: one aggregation per base table, joined to the customers, rules on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bankloop.customer.contracts import (
    OF_THE_ROW,
    PROPERTIES,
    Attribute,
    AttributeKind,
    Band,
    Case,
    Catalogue,
    EventWindow,
    Fact,
    Measure,
    Operation,
    Rule,
)
from bankloop.kit.clock import local_moment
from bankloop.kit.expression import STRING, to_ibis
from bankloop.kit.later import later
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.extras import VALUE_OF

if TYPE_CHECKING:
    import ibis
else:
    ibis = later("ibis")

KEY = "customer_no"
# What no table of the lake's holds of a day: models tell it, or the days before.
GIVEN = (AttributeKind.SCORE, AttributeKind.LASTING)
_DAY = 86_400
# So many days back a zone's changes of its hour are followed.
_LONG_AGO = 3660
_FILLED = {
    Operation.SUM: 0,
    Operation.COUNT: 0,
    Operation.DISTINCT: 0,
    Operation.ANY: False,
    Measure.SUM: 0,
    Measure.COUNT: 0,
    Measure.DAYS: 0,
}


def state_expression(
    tables: Mapping[str, Any],
    catalogue: Catalogue,
    today: date,
    known_until: datetime,
    zone: str,
    scores: Mapping[str, Any],
) -> Any:
    """Return one row a customer with every attribute of ``catalogue``, as an Ibis expression of either engine.

    ``tables`` are Ibis tables by name, those that the catalogue reads; only events recorded and occurred before ``known_until`` count.
    ``scores`` are tables (customer_no, score) by attribute, of runs of days as of scores.
    """
    attributes = list(catalogue.attributes.values())
    customers = tables["customer"]
    own = {a.name: _row_fact(customers, a.body, today) for a in attributes if _is_row_fact(a)}
    state = customers.select(customer_no=customers[KEY], **own)
    parts = [(_sums(tables[table], found, today), found) for table, found in _by_table(attributes).items()]
    windows = _scans([a for a in attributes if isinstance(a.body, EventWindow)])
    parts += [(_windows(tables, one, today, known_until, zone), one) for one in windows]
    state = _joined(state, parts, today, zone)
    state = _with_scores(state, [a for a in attributes if a.kind in GIVEN], scores)
    state = _with_rules(state, [a for a in attributes if a.reads or isinstance(a.body, Rule)], today)
    return state.select(KEY, *catalogue.attributes)


def _is_row_fact(attribute: Attribute) -> bool:
    return isinstance(attribute.body, Fact) and attribute.body.operation in OF_THE_ROW


def _row_fact(customers: Any, fact: Any, today: date) -> Any:
    column, now = customers[fact.column], ibis.literal(today)
    match fact.operation:
        case Operation.PRESENT:
            return column.notnull()
        case Operation.YEARS_SINCE:
            # Full years: born on 29 February, a customer is a year older on 1 March of a common year.
            before = (column.month() > today.month) | ((column.month() == today.month) & (column.day() > today.day))
            return (today.year - column.year() - before.cast("int32")).cast("int64")
        case Operation.DAYS_SINCE:
            return now.delta(column, unit="day").cast("int64")
        case Operation.DAYS_UNTIL:
            return column.delta(now, unit="day").cast("int64")
    return column


def _by_table(attributes: Sequence[Attribute]) -> dict[str, list[Attribute]]:
    """Return the facts that add up rows, by the table of these."""
    found: dict[str, list[Attribute]] = {}
    for one in attributes:
        if isinstance(one.body, Fact) and not _is_row_fact(one):
            found.setdefault(one.body.table, []).append(one)
    return found


def _sums(rows: Any, attributes: Sequence[Attribute], today: date) -> Any:
    found = {}
    for attribute in attributes:
        fact = attribute.body
        assert isinstance(fact, Fact)
        where = None if fact.where is None else to_ibis(fact.where, rows, today)
        found[attribute.name] = _sum(rows, fact, where, today)
    return rows.group_by(KEY).aggregate(**found)


def _sum(rows: Any, fact: Fact, where: Any, today: date) -> Any:
    match fact.operation:
        case Operation.SUM:
            # The engine sums int64 in 128 bits: a total beyond int64 fails loudly instead of wrapping.
            return rows[fact.column].sum(where=where).cast("int64")
        case Operation.COUNT:
            return rows.count(where=where).cast("int64")
        case Operation.DISTINCT:
            return rows[fact.column].nunique(where=where).cast("int64")
        case Operation.ANY:
            return rows.count(where=where) > 0
        case Operation.MAX:
            return rows[fact.column].max(where=where)
        case Operation.FIRST:
            # Of equals the lowest number, so that every engine, and every run, takes the same row.
            order = rows[fact.by].cast("string") + "|" + rows[CONTRACTS[fact.of].key[0]]
            known = rows[fact.column].notnull() & rows[fact.by].notnull()
            return rows[fact.column].argmin(order, where=known if where is None else known & where)
        case Operation.NEXT_DAYS:
            ahead = rows[fact.column] >= ibis.literal(today)
            return rows[fact.column].min(where=ahead if where is None else ahead & where)
    return rows[fact.column].min(where=where)


def _scans(attributes: Sequence[Attribute]) -> list[list[Attribute]]:
    """Part windows by the scan that serves them best, each at most once over the events.

    What looks back over all history counts little per row; what counts much looks back over few rows; days of the
    same events are told apart once for all their windows.
    """
    scans: dict[tuple[object, ...], list[Attribute]] = {}
    for attribute in attributes:
        window = attribute.body
        assert isinstance(window, EventWindow)
        key: tuple[object, ...] = (window.days is None, bool(window.properties))
        if window.measure is Measure.DAYS:
            key = window.kind
        scans.setdefault(key, []).append(attribute)
    return list(scans.values())


def _windows(
    tables: Mapping[str, Any], attributes: Sequence[Attribute], today: date, known_until: datetime, zone: str
) -> Any:
    """Return one row a customer over a single scan of events: only the types, days and columns that a window needs."""
    windows = {a.name: a.body for a in attributes if isinstance(a.body, EventWindow)}
    events, limit = tables["event"], _moment(known_until)
    types = sorted({type_ for window in windows.values() for type_ in window.events})
    needed = (events.recorded_at < limit) & (events.occurred_at < limit) & events.type.isin(types)
    longest = [window.days for window in windows.values()]
    if None not in longest:
        first = max(days for days in longest if days is not None)
        needed = needed & (events.occurred_at >= _moment(window_start(today, first, zone)))
    rows = with_properties(events.filter(needed), tables, windows.values())
    if all(window.measure is Measure.DAYS for window in windows.values()):
        return _day_counts(rows, windows, today, zone)
    found = {name: _window(rows, window, today, zone) for name, window in windows.items()}
    return rows.group_by(KEY).aggregate(**found)


def with_properties(rows: Any, tables: Mapping[str, Any], windows: Iterable[EventWindow]) -> Any:
    """Return events with the bank's own columns about them that windows read; unknown where none was told."""
    wanted = {name: type_ for window in windows for name, type_ in window.properties}
    if not wanted:
        return rows
    said = tables[PROPERTIES].filter(tables[PROPERTIES]["name"].isin(sorted(wanted)))
    values = {
        name: said[VALUE_OF[str(type_)]].max(where=said["name"] == name) for name, type_ in sorted(wanted.items())
    }
    by_event = said.group_by(_of="source", _event="event_id").aggregate(**values)
    joined = rows.left_join(by_event, [rows.source == by_event["_of"], rows.event_id == by_event["_event"]])
    return joined.drop("_of", "_event")


def _day_counts(rows: Any, windows: Mapping[str, EventWindow], today: date, zone: str) -> Any:
    """Return on how many days there was one of ``rows`` (of the same events) within each window."""
    first = next(iter(windows.values()))
    longest = max(window.days or 0 for window in windows.values())
    days = rows.filter(window_conditions(rows, first)).select(KEY, _day=_day(rows.occurred_at, today, longest, zone))
    last = (today - date(1970, 1, 1)).days
    distinct = days.distinct()
    found = {
        name: distinct.count(where=distinct["_day"] > last - (window.days or 0)).cast("int64")
        for name, window in windows.items()
    }
    return distinct.group_by(KEY).aggregate(**found)


def _window(rows: Any, window: EventWindow, today: date, zone: str) -> Any:
    where = window_conditions(rows, window)
    if window.days is not None:
        where = where & (rows.occurred_at >= _moment(window_start(today, window.days, zone)))
    match window.measure:
        case Measure.COUNT:
            return rows.count(where=where).cast("int64")
        case Measure.SUM:
            return rows.amount_fen.sum(where=where).cast("int64")
    # Of "days since" and of the last day alike: what is made of the moment is made behind the join.
    return rows.occurred_at.max(where=where)


def window_conditions(rows: Any, window: EventWindow) -> Any:
    """Return which rows a window means, its days aside."""
    where = rows.type.isin(window.events)
    if window.scenes:
        where = where & rows.scene.isin(window.scenes)
    if window.channels:
        where = where & rows.channel.isin(window.channels)
    if window.at_least_fen is not None:
        where = where & (rows.amount_fen >= window.at_least_fen)
    if window.where is not None:
        # It has no today: of what it reads an event says all.
        where = where & to_ibis(window.where, rows, date.min)
    return where


def _joined(state: Any, parts: Sequence[tuple[Any, Sequence[Attribute]]], today: date, zone: str) -> Any:
    """Join aggregates to the customers; a customer without rows has counts of 0, and NULL where nothing is known.

    All are joined before one selection: a selection a join would be taken apart again column by column.
    """
    joined, columns = state, [state[name] for name in state.columns]
    for place, (aggregates, attributes) in enumerate(parts):
        part = aggregates.rename(**{f"_of_{place}": KEY})
        joined = joined.left_join(part, state[KEY] == part[f"_of_{place}"])
        columns += [_filled(part[one.name], one, today, zone).name(one.name) for one in attributes]
    return joined.select(columns) if parts else state


def _filled(column: Any, attribute: Attribute, today: date, zone: str) -> Any:
    body = attribute.body
    assert isinstance(body, Fact | EventWindow)
    how = body.operation if isinstance(body, Fact) else body.measure
    if how in _FILLED:
        return column.fill_null(_FILLED[how])
    if how is Operation.NEXT_DAYS:
        return column.delta(ibis.literal(today), unit="day").cast("int64")
    if how is Measure.DAYS_SINCE:
        # Whole bank-local days between, counted back from the midnight that ends today.
        return _days_before(column, int(local_moment(today + timedelta(days=1), 0, 0, zone).timestamp()))
    if how is Measure.LAST:
        return _local_date(column, today, zone)
    return column


def _days_before(moment: Any, midnight: int) -> Any:
    return ((midnight - 1 - moment.epoch_seconds()) / _DAY).floor().cast("int64")


def _local_date(moment: Any, today: date, zone: str) -> Any:
    """Return the bank-local date of a moment, NULL of none."""
    days = _day(moment, today, _LONG_AGO, zone).cast("int64")
    return (ibis.literal(date(1970, 1, 1)) + days.as_interval("D")).cast("date")


def _with_scores(state: Any, attributes: Sequence[Attribute], scores: Mapping[str, Any]) -> Any:
    for attribute in attributes:
        if attribute.name not in scores:
            state = state.mutate(**{attribute.name: ibis.null("int64")})
            continue
        score = scores[attribute.name].rename(_of=KEY, **{attribute.name: "score"})
        state = state.left_join(score, state[KEY] == score["_of"]).drop("_of")
    return state


def _with_rules(state: Any, attributes: Sequence[Attribute], today: date) -> Any:
    """Add rules and bands in catalogue order; those that do not need each other are added together."""
    pending: dict[str, Any] = {}
    for attribute in attributes:
        if attribute.reads & pending.keys():
            state, pending = state.mutate(**pending), {}
        match attribute.body:
            case Rule(expression):
                pending[attribute.name] = to_ibis(expression, state, today)
            case Band(of, cuts):
                steps = [(state[of] >= cut).cast("int64") for cut in cuts]
                pending[attribute.name] = sum(steps[1:], steps[0]) + 1
            case Case(branches, otherwise):
                type_ = "string" if attribute.type == STRING else "int64"
                pairs = [(to_ibis(e, state, today), ibis.literal(value, type_)) for e, value in branches]
                pending[attribute.name] = ibis.cases(*pairs, else_=ibis.literal(otherwise, type_))
    return state.mutate(**pending) if pending else state


def window_start(today: date, days: int, zone: str) -> datetime:
    """Return the first moment of a window of so many bank-local days."""
    return local_moment(today - timedelta(days=days - 1), 0, 0, zone)


def _moment(moment: datetime) -> Any:
    return ibis.literal(moment.astimezone(UTC), type="timestamp('UTC')")


def _day(moment: Any, today: date, days: int, zone: str) -> Any:
    """Return the bank-local day number of a moment within the last ``days``: plain arithmetic, alike on every engine."""
    seconds = moment.epoch_seconds()
    shift: Any = None
    tz = ZoneInfo(zone)
    day = today - timedelta(days=days)
    previous = None
    while day <= today:
        start = local_moment(day, 0, 0, zone)
        offset = start.astimezone(tz).utcoffset()
        seconds_off = int(offset.total_seconds()) if offset else 0
        if previous is None:
            shift = ibis.literal(seconds_off)
        elif seconds_off != previous:
            shift = ibis.ifelse(seconds >= int(start.timestamp()), seconds_off, shift)
        previous = seconds_off
        day += timedelta(days=1)
    return ((seconds + shift) / _DAY).floor().cast("int32")
