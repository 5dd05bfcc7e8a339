"""Training rows and outcomes: from history, as it was known then, and from a round, where chance decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.kit import ConflictError, Text, local_moment
from bankloop.kit.expression import BOOL, parse
from bankloop.lake import Scope
from bankloop.loop import evaluate as evaluation
from bankloop.loop import model, reach
from bankloop.loop.bank import Bank
from bankloop.loop.model import Labelled, Uplift
from bankloop.loop.spec import Campaign, Lock, read_lock
from bankloop.loop.spec.batch import conditions
from bankloop.store import (
    accepted_contacts,
    read_decisions,
    read_events,
)
from bankloop.store import read_lock as stored_lock


def history_rows(bank: Bank, campaign: Campaign, today: date) -> tuple[Labelled, np.ndarray]:
    """Training rows from history: the state as it was one goal window ago, labelled by what followed."""
    types = bank.catalogue.types
    then = today - timedelta(days=campaign.goal.within)
    leaks = set(_reads(bank, campaign))
    features = [f for f in model.feature_names(types, leaks) if not bank.catalogue[f].confidential]
    past, present = bank.state(then).table, bank.state(today).table
    with bank.lake.connection(Scope.whole_bank("labels")) as connection:
        query = (
            "SELECT DISTINCT customer_no FROM event WHERE type = $type "
            "AND occurred_at >= $start AND occurred_at < $stop"
        )
        values = {"type": campaign.goal.event, "start": then + timedelta(days=1), "stop": today + timedelta(days=1)}
        reached = connection.sql(query, params=values).to_arrow_table().column("customer_no").combine_chunks()
    label = np.asarray(pc.is_in(past["customer_no"], reached).to_numpy(zero_copy_only=False))
    member = conditions(past, {"audience": campaign.audience}, types, then)["audience"]
    if not bank.knew(then):
        # No file is old enough: who reached the goal since may have left the audience by it, and is added back.
        member |= label
    rows = pa.array(np.flatnonzero(member))
    x = model.feature_matrix(past.take(rows), features)
    here = conditions(present, {"audience": campaign.audience}, types, today)["audience"]
    now = model.feature_matrix(present.take(pa.array(np.flatnonzero(here))), features)
    return Labelled(x, label[member].astype(np.float64), features, (then, today)), now


def _reads(bank: Bank, campaign: Campaign) -> list[str]:
    """Yes/no attributes that the audience or its products ask for: undated facts that the goal itself changes."""
    texts = [campaign.audience, *(p for key in campaign.products if (p := bank.spec.products[key].eligible))]
    names = {name for text in texts for name in parse(text, bank.catalogue.types).names}
    return sorted(name for name in names if bank.catalogue[name].type == BOOL)


def audience_now(bank: Bank, lock: Lock, today: date) -> pa.Table:
    """Return the state rows that meet a campaign's audience on a day."""
    table = bank.state(today).table
    rows = conditions(table, {"audience": lock.campaign.audience}, bank.catalogue.types, today)["audience"]
    return table.take(pa.array(np.flatnonzero(rows)))


def round_rows(bank: Bank, decisions: pa.Table, outcomes: evaluation.Outcomes, champion_model: Uplift) -> Labelled:
    """Training rows of a randomised round: features as they were decided on, and where chance decided what."""
    as_of = decisions["as_of"][0].as_py()
    state = bank.state(as_of).table
    place = pc.index_in(decisions["customer_no"], state["customer_no"].combine_chunks())
    features = champion_model.base.features
    issued, intended = (
        np.array(pc.fill_null(decisions[c], "").to_pylist()) for c in ("issued_action", "intended_action")
    )
    return Labelled(
        x=model.feature_matrix(state.take(place), features),
        y=outcomes.success,
        features=features,
        window=(as_of, decisions["due_on"][0].as_py()),
        quiet=issued == "",
        control=outcomes.control,
        arms=_arms(decisions, issued, intended, outcomes.control),
    )


def _arms(decisions: pa.Table, issued: np.ndarray, intended: np.ndarray, control: np.ndarray) -> dict[str, model.Arm]:
    """Per action the rows where chance decided: who was meant to get it and may be a ghost, and who drew it by lot."""
    explores = np.array(decisions["cell"].to_pylist()) == reach.Cell.EXPLORE.value
    lots = {int(row): json.loads(decisions["propensities"][int(row)].as_py()) for row in np.flatnonzero(explores)}
    kept = 1.0 - float(control[~explores].mean()) if (~explores).any() else 1.0
    arms = {}
    for key in sorted(set(issued.tolist()) - {""}):
        meant = np.flatnonzero(~explores & (intended == key) & ((issued == key) | control))
        drew = np.array([r for r, lot in lots.items() if key in lot and issued[r] in (key, "")], dtype=np.int64)
        odds = np.array([lots[r][key] / (lots[r][key] + lots[r].get("", 0)) for r in drew.tolist()])
        rows = np.r_[meant, drew]
        probability = np.clip(np.r_[np.full(len(meant), kept), odds], 0.001, 0.999)
        arms[key] = model.Arm(rows, issued[rows] == key, probability)
    return arms


def round_outcomes(bank: Bank, connection: Connection, campaign: str, round_: int) -> tuple[Lock, evaluation.Outcomes]:
    """Return a campaign's lock and outcomes of one round; raise ``ConflictError`` where there was none."""
    decisions = evaluation.population(read_decisions(connection, [campaign], round_), campaign)
    if not decisions.num_rows:
        raise ConflictError(
            "evaluate.no_round",
            Text("{campaign} 第 {round} 轮还没有决策；先运行 bankloop run", "{campaign} has no decisions in round {round}; run it first"),
            campaign=campaign, round=round_,
        )  # fmt: skip
    lock = read_lock(stored_lock(connection, decisions["lock_digest"][0].as_py()))
    return lock, campaign_outcomes(bank, connection, lock, decisions, round_)


def campaign_outcomes(
    bank: Bank, connection: Connection, lock: Lock, decisions: pa.Table, round_: int
) -> evaluation.Outcomes:
    """Return the outcomes of decisions of one round, from the contacts and events stored since."""
    start = decisions["window_start"][0].as_py()
    # Both ends count, and the day after belongs to the next round.
    until = start + timedelta(days=lock.campaign.goal.within - 1)
    accepted = accepted_contacts(connection, lock.name)
    types = evaluation.event_types(lock)
    seen = read_events(connection, types, start, until).select(_WHO_DID_WHAT.names).cast(_WHO_DID_WHAT)
    events = pa.concat_tables([seen, _loaded_events(bank, types, start, until)])
    return evaluation.outcomes_of(lock, round_, decisions, accepted, events)


def _loaded_events(bank: Bank, types: Sequence[str], start: date, until: date) -> pa.Table:
    """Who did what in a window, of the events that came with the bank's files."""
    values = {
        "types": list(types),
        "start": local_moment(start, 0, 0, bank.lake.zone),
        "stop": local_moment(until + timedelta(days=1), 0, 0, bank.lake.zone),
    }
    query = (
        "SELECT DISTINCT customer_no, type FROM event "
        "WHERE list_contains($types, type) AND occurred_at >= $start AND occurred_at < $stop"
    )
    with bank.lake.connection(Scope.whole_bank("labels")) as connection:
        return connection.sql(query, params=values).to_arrow_table().cast(_WHO_DID_WHAT)


_WHO_DID_WHAT = pa.schema([("customer_no", pa.string()), ("type", pa.string())])
