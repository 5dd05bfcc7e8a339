"""Models of what customers will do by themselves: learned from history, approved as others are, their scores published.

A score is an attribute with its model's version and day; whoever reads it reads what was approved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.customer.contracts import Catalogue, EventWindow, Operation
from bankloop.kit.errors import ConflictError, NotFoundError
from bankloop.kit.expression import BOOL
from bankloop.kit.located import nearest
from bankloop.kit.text import Text
from bankloop.loop import model
from bankloop.loop.bank import SCORES, Bank
from bankloop.loop.learning.training import SEED, promotion_effect, register
from bankloop.loop.model import Labelled, ModelCard
from bankloop.loop.spec import Forecast, read_forecasts
from bankloop.loop.spec.batch import conditions
from bankloop.organization.approval import submit_approval
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.registry import champion
from bankloop.store.verbs import verb

_PPM = 1_000_000
# The largest of each customer's events, with the day of the first one, between two days; both ends count.
_HAPPENED = (
    "SELECT customer_no, min((occurred_at AT TIME ZONE $zone)::DATE) AS day, max(amount_fen) AS fen FROM event "
    "WHERE type = $type AND (occurred_at AT TIME ZONE $zone)::DATE BETWEEN $since AND $until GROUP BY 1 ORDER BY 1"
)
_FOLLOWED = (
    "SELECT DISTINCT g.customer_no FROM given g JOIN event e USING (customer_no) WHERE e.type = $type "
    "AND (e.occurred_at AT TIME ZONE $zone)::DATE > g.day AND (e.occurred_at AT TIME ZONE $zone)::DATE <= g.day + $days"
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A day's scores: how many customers, by which version, and the stability index against the training rows."""

    forecast: str
    attribute: str
    version: int
    customers: int
    mean: float
    psi: float


def forecasts_of(bank: Bank) -> dict[str, Forecast]:
    """Return the bank's forecasts by key."""
    return read_forecasts(bank.folder, bank.catalogue.types)


def forecast_of(bank: Bank, key: str) -> Forecast:
    """Return one forecast; raise ``NotFoundError`` with the nearest key, ``ConflictError`` where a campaign has its name."""
    known = forecasts_of(bank)
    if key not in known:
        near = nearest(key, known)
        raise NotFoundError(
            "forecast.unknown",
            Text("没有预测“{name}”；最接近的是 {near}", "there is no forecast '{name}'; the nearest is {near}"),
            name=key, near=near or ", ".join(sorted(known)),
        )  # fmt: skip
    if key in bank.spec.campaigns:
        raise ConflictError(
            "forecast.name_taken",
            Text("战役和预测都叫“{name}”；请改其中一个的名字", "a campaign and a forecast are both called '{name}'; rename one of them"),
            name=key,
        )  # fmt: skip
    return known[key]


@verb("model.forecast")
def draft_forecast(bank: Bank, principal: Principal, key: str, today: date, seed: int = SEED) -> ModelCard:
    """Train a forecast from history up to ``today``, keep it as the next version and submit it beside the champion's card."""
    one = forecast_of(bank, key)
    data, now = forecast_rows(bank, one, today)
    file = one.model_dump(mode="json", by_alias=True)
    trained, card = model.train_forecast(key, data, now, seed, file)
    card = replace(card, why=_undated() if not bank.knew(data.window[0]) else {})
    with bank.store.begin(principal) as connection:
        before = champion(connection, key)
        entered = register(bank, connection, key, trained, card)
        effect = promotion_effect(before, entered, None) if before is not None else None
        submit_approval(connection, "model", key, entered.artefact_digest, effect=effect or {})
        after = {"rows": card.rows, "auc": round(card.auc, 4), "version": entered.version}
        record_audit(connection, "model.forecast", "model", key, None, after)
    return card


@verb("model.score")
def score_forecast(bank: Bank, principal: Principal, key: str, as_of: date) -> Scored:
    """Score who the forecast is about by its champion and publish the scores as its attribute's; others' scores stay.

    Raises ``ConflictError`` where no version was approved.
    """
    one = forecast_of(bank, key)
    with bank.store.begin(principal) as connection:
        entry = champion(connection, key)
    if entry is None:
        raise ConflictError(
            "forecast.no_champion",
            Text("{name} 还没有批准的模型；先运行 bankloop learn {name}，再由他人批准", "{name} has no approved model yet; run bankloop learn {name} and have it approved"),
            name=key,
        )  # fmt: skip
    learned = model.load_propensity(bank.folder / entry.artefact_path, entry.artefact_digest)
    members = _members(bank, one, as_of)
    chance = learned.predict(model.feature_matrix(members, learned.features))
    ppm = np.clip(np.rint(chance * _PPM), 0, _PPM).astype(np.int64)
    rows = pa.table(
        {
            "customer_no": members["customer_no"],
            "attribute": pa.array([one.attribute] * len(ppm), pa.string()),
            "score_ppm": pa.array(ppm),
            "model": pa.array([key] * len(ppm), pa.string()),
            "model_version": pa.array([entry.version] * len(ppm), pa.int64()),
            "scored_on": pa.array([as_of] * len(ppm), pa.date32()),
            "valid_until": pa.array([as_of + timedelta(days=one.valid)] * len(ppm), pa.date32()),
        }
    )
    bank.lake.publish(SCORES, _beside(bank, one.attribute, rows), as_of)
    edges, shares = (np.asarray(entry.card[name], np.float64) for name in ("edges", "shares"))
    psi = model.index_of(shares, model.shares_between(chance, edges)) if len(chance) else 0.0
    done = Scored(key, one.attribute, entry.version, len(ppm), float(chance.mean()) if len(chance) else 0.0, psi)
    with bank.store.begin(principal) as connection:
        after = {"version": done.version, "customers": done.customers, "psi": round(psi, 4), "as_of": as_of.isoformat()}
        record_audit(connection, "model.score", "model", key, None, after)
    return done


def forecast_rows(bank: Bank, one: Forecast, today: date) -> tuple[Labelled, NDArray[np.float64]]:
    """Return training rows as they were known ``one.days`` before ``today``, labelled by what followed; and those of today."""
    then = today - timedelta(days=one.days)
    past = bank.state(then).table
    given = _given(bank, one, then)
    names = readable(bank, then, one.given.amount if one.given else None)
    if given is None:
        member = conditions(past, {"among": one.among}, bank.catalogue.types, then)["among"]
        past = past.take(pa.array(np.flatnonzero(member)))
        reached = _reached(bank, one, past, then, today)
    else:
        past = past.filter(pc.is_in(past["customer_no"], given["customer_no"]))
        reached = pc.is_in(past["customer_no"], _followed(bank, one, given))
        past = _with_amount(one, past, given)
    x = model.feature_matrix(past, names)
    label = np.asarray(reached.to_numpy(zero_copy_only=False), np.float64)
    return Labelled(x, label, names, (then, today)), model.feature_matrix(_members(bank, one, today), names)


def _members(bank: Bank, one: Forecast, as_of: date) -> pa.Table:
    table = bank.state(as_of).table
    here = conditions(table, {"among": one.among}, bank.catalogue.types, as_of)["among"]
    return table.take(pa.array(np.flatnonzero(here)))


def readable(bank: Bank, then: date, always: str | None = None) -> tuple[str, ...]:
    """Return what a model of ``then`` may read: no scores of forecasts, nothing confidential, nothing that tells the outcome.

    Where no file is as old as ``then``, balances and yes-or-no facts are those of today's file: they would tell what
    happened since, and only what has a date of its own is read.
    """
    catalogue = bank.catalogue
    own = {each.attribute for each in forecasts_of(bank).values()}
    names = [name for name in model.feature_names(catalogue.types, own) if not catalogue[name].confidential]
    if not bank.knew(then):
        names = [name for name in names if name == always or _dated(catalogue, name)]
    return tuple(names)


def _dated(catalogue: Catalogue, name: str) -> bool:
    """Return whether an attribute is computed from events and dates alone, and so as it was on any day."""
    attribute = catalogue[name]
    if attribute.reads:
        return attribute.type != BOOL and all(_dated(catalogue, one) for one in attribute.reads)
    operation = getattr(attribute.body, "operation", None)
    return isinstance(attribute.body, EventWindow) or operation in (Operation.YEARS_SINCE, Operation.DAYS_SINCE)


def _undated() -> dict[str, str]:
    said = Text(
        "最早的文件晚于样本日：余额等没有日期的事实不作特征；装入更早的文件后重训",
        "no file is as old as the rows: balances and other facts without a date are not read; train again once there is one",
    )
    return {"zh": said.zh, "en": said.en}


def _given(bank: Bank, one: Forecast, then: date) -> pa.Table | None:
    if one.given is None:
        return None
    return happened(bank, one.given.event, then + timedelta(days=1), then + timedelta(days=one.given.within))


def happened(bank: Bank, event: str, since: date, until: date) -> pa.Table:
    """Return to whom an event happened between two days, both counting: the first ``day``, the largest amount ``fen``."""
    values = {"zone": bank.lake.zone, "type": event, "since": since, "until": until}
    with bank.persons("labels") as connection:
        return connection.sql(_HAPPENED, params=values).to_arrow_table()


def _reached(bank: Bank, one: Forecast, past: pa.Table, then: date, today: date) -> pa.Array:
    """Return whether the event happened (n,), large enough where the forecast says how large."""
    found = happened(bank, one.event, then + timedelta(days=1), today)
    place = pc.index_in(past["customer_no"], found["customer_no"].combine_chunks())
    if one.least is None or one.of is None:
        return pc.is_valid(place).combine_chunks()
    fen = pc.fill_null(found["fen"].take(place), -1).to_numpy()
    held = np.nan_to_num(np.asarray(past[one.of].cast(pa.float64()).to_numpy(), np.float64))
    return pa.array((fen > 0) & (fen >= held * (one.least / _PPM)))


def _followed(bank: Bank, one: Forecast, given: pa.Table) -> pa.Array:
    values = {"zone": bank.lake.zone, "type": one.event, "days": one.within}
    with bank.persons("labels") as connection:
        connection.register("given", given)
        return connection.sql(_FOLLOWED, params=values).to_arrow_table()["customer_no"].combine_chunks()


def _with_amount(one: Forecast, past: pa.Table, given: pa.Table) -> pa.Table:
    """Return the rows with the given event's amount in place of the attribute that says it beforehand."""
    name = one.given.amount if one.given else None
    if name is None:
        return past
    amount = given["fen"].take(pc.index_in(past["customer_no"], given["customer_no"].combine_chunks()))
    place = past.column_names.index(name)
    return past.set_column(place, name, amount.cast(past.schema.field(name).type))


def _beside(bank: Bank, attribute: str, rows: pa.Table) -> pa.Table:
    """Return the scores with those of every other attribute, as they are."""
    if bank.lake.manifest.current(SCORES) is None:
        return rows
    with bank.lake.engine() as engine:
        kept = bank.lake.reading(bank.lake.version(SCORES))
        query = f"SELECT {', '.join(rows.column_names)} FROM {kept} WHERE attribute <> $attribute"
        others = engine.sql(query, params={"attribute": attribute}).to_arrow_table()
    return pa.concat_tables([others.cast(rows.schema), rows])


__all__ = [
    "Scored",
    "draft_forecast",
    "forecast_of",
    "forecast_rows",
    "forecasts_of",
    "happened",
    "readable",
    "score_forecast",
]
