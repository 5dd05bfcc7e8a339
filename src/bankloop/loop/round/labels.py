"""Training rows and outcomes: from history, as it was known then, and from a round, where chance decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection

from bankloop.contact.queries import accepted_contacts
from bankloop.kit.clock import local_moment
from bankloop.kit.errors import ConflictError
from bankloop.kit.expression import BOOL
from bankloop.kit.text import Text
from bankloop.lake.contracts import Scope
from bankloop.loop import evaluate as evaluation
from bankloop.loop import model, reach
from bankloop.loop.bank import Bank
from bankloop.loop.model import Labelled
from bankloop.loop.optimize import Tried
from bankloop.loop.round.logged_actions import tried_rows
from bankloop.loop.round.one_person import as_decided, first_of_persons
from bankloop.loop.spec import Campaign, Lock, amount_of, attributes_of, read_forecasts, read_lock
from bankloop.loop.spec.batch import conditions
from bankloop.store.history import read_decisions, read_events, read_recorded
from bankloop.store.registry import read_lock as stored_lock
from bankloop.store.registry import read_models, read_plans


def history_rows(bank: Bank, campaign: Campaign, today: date) -> tuple[Labelled, np.ndarray]:
    """Training rows from history: the state as it was one goal window ago, labelled by what followed."""
    types, asked = bank.catalogue.types, bank.audience(campaign)
    then = today - timedelta(days=campaign.goal.within)
    leaks = {*_reads(bank, campaign), *(one.attribute for one in read_forecasts(bank.folder, types).values())}
    features = [f for f in model.feature_names(types, leaks) if not bank.catalogue[f].confidential]
    past, present = bank.state(then).table, bank.state(today).table
    with bank.persons("labels") as connection:
        query = (
            "SELECT DISTINCT customer_no FROM event WHERE type = $type "
            "AND occurred_at >= $start AND occurred_at < $stop"
        )
        values = {"type": campaign.goal.event, "start": then + timedelta(days=1), "stop": today + timedelta(days=1)}
        reached = connection.sql(query, params=values).to_arrow_table().column("customer_no").combine_chunks()
    label = np.asarray(pc.is_in(past["customer_no"], reached).to_numpy(zero_copy_only=False))
    member = conditions(past, {"audience": asked}, types, then)["audience"]
    if not bank.knew(then):
        # No file is old enough: who reached the goal since may have left the audience by it, and is added back.
        member |= label
    rows = pa.array(np.flatnonzero(member))
    x = model.feature_matrix(past.take(rows), features)
    here = conditions(present, {"audience": asked}, types, today)["audience"]
    now = model.feature_matrix(present.take(pa.array(np.flatnonzero(here))), features)
    return Labelled(x, label[member].astype(np.float64), features, (then, today)), now


def _reads(bank: Bank, campaign: Campaign) -> list[str]:
    """Yes/no attributes that the audience or its products ask for: undated facts that the goal itself changes."""
    texts = [bank.audience(campaign), *(p for key in campaign.products if (p := bank.spec.products[key].eligible))]
    names = {name for text in texts for name in attributes_of(text, bank.catalogue.types)}
    return sorted(name for name in names if bank.catalogue[name].type == BOOL)


def audience_now(bank: Bank, lock: Lock, today: date, reads: Sequence[str]) -> pa.Table:
    """Return an audience on a day (customer_no, ``reads``); ``ConflictError`` where it lacks what a model ``reads``."""
    table = bank.state(today).table
    gone = sorted(set(reads) - set(table.column_names))
    if gone:
        raise ConflictError(
            "model.features_gone",
            Text("{campaign} 的模型要读的属性已不在目录里：{names}；请补回，或重新起草模型", "the catalogue no longer has what the model of {campaign} reads: {names}; put it back, or draft a new model"),
            campaign=lock.name, names=", ".join(gone),
        )  # fmt: skip
    rows = conditions(table, {"audience": lock.audience}, bank.catalogue.types, today)["audience"]
    return table.select([*dict.fromkeys(("customer_no", *reads))]).take(pa.array(np.flatnonzero(rows)))


def learning_rows(
    bank: Bank, connection: Connection, newest: tuple[Lock, pa.Table, int], features: Sequence[str]
) -> tuple[Labelled, Tried | None]:
    """Training rows of a randomised round and of those before it: what was decided on, and where chance decided.

    ``newest`` is the round with its lock and its population (columns ``LEARNT_FROM``). Second: the customers among the
    rows whose action was drawn by lot. An earlier round takes part where it called the same thing a success and knew
    every one of ``features``.
    """
    lock, decisions, round_ = newest
    rounds = [newest]
    for number in sorted(_rounds_of(connection, lock.name)):
        if number < round_:
            then, decided, _ = round_population(connection, lock.name, number, bank.leads(), LEARNT_FROM)
            if _read_alike(then, lock) and set(features) <= set(then.types):
                rounds.append((then, decided, number))
    known = pa.concat_tables([decided_features(bank, decided, features) for _, decided, _ in rounds])
    outcomes = [campaign_outcomes(bank, connection, *one, to_read=False) for one in rounds]
    arms: dict[str, list[model.RandomisedArm]] = {}
    at = 0
    for (_, decided, _), found in zip(rounds, outcomes, strict=True):
        for key, arm in _arms(decided, *_actions(decided), found.control).items():
            arms.setdefault(key, []).append(model.RandomisedArm(arm.rows + at, arm.treated, arm.probability))
        at += decided.num_rows
    whole = Labelled(
        x=model.feature_matrix(known, features),
        y=np.concatenate([found.success for found in outcomes]),
        features=features,
        window=(min(d["as_of"][0].as_py() for _, d, _ in rounds), decisions["due_on"][0].as_py()),
        quiet=np.concatenate([_actions(decided)[0] == "" for _, decided, _ in rounds]),
        control=np.concatenate([found.control for found in outcomes]),
        arms={key: _joined(parts) for key, parts in arms.items()},
        round=np.repeat([number for *_, number in rounds], [decided.num_rows for _, decided, _ in rounds]),
        worth=np.concatenate([found.worth for found in outcomes]),
    )
    return whole, tried_rows(lock, [decided for _, decided, _ in rounds], outcomes)


def decided_features(bank: Bank, decisions: pa.Table, features: Sequence[str]) -> pa.Table:
    """Return the features of each decision's customer as they were decided on."""
    state = bank.decided_on(decisions["state_digest"][0].as_py(), decisions["as_of"][0].as_py())
    return state.table.select(list(features)).take(bank.places_of(decisions["customer_no"], state))


def _actions(decisions: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The issued and the intended action of each decision (n,), '' for none."""
    issued, intended = (
        np.array(pc.fill_null(decisions[c], "").to_pylist(), dtype=str) for c in ("issued_action", "intended_action")
    )
    return issued, intended


def _joined(arms: Sequence[model.RandomisedArm]) -> model.RandomisedArm:
    return model.RandomisedArm(
        np.concatenate([arm.rows for arm in arms]),
        np.concatenate([arm.treated for arm in arms]),
        np.concatenate([arm.probability for arm in arms]),
    )


def _rounds_of(connection: Connection, campaign: str) -> set[int]:
    return {int(p.summary["round"]) for p in read_plans(connection) if "round" in p.summary and campaign in p.campaigns}


def _arms(
    decisions: pa.Table, issued: np.ndarray, intended: np.ndarray, control: np.ndarray
) -> dict[str, model.RandomisedArm]:
    """Per action the rows where chance decided: who was meant to get it and may be a ghost, and who drew it by lot."""
    explores = np.array(decisions["cell"].to_pylist()) == reach.ExperimentCell.EXPLORE.value
    lots = {int(row): json.loads(decisions["propensities"][int(row)].as_py()) for row in np.flatnonzero(explores)}
    kept = 1.0 - float(control[~explores].mean()) if (~explores).any() else 1.0
    arms = {}
    for key in sorted(set(issued.tolist()) - {""}):
        meant = np.flatnonzero(~explores & (intended == key) & ((issued == key) | control))
        drew = np.array([r for r, lot in lots.items() if key in lot and issued[r] in (key, "")], dtype=np.int64)
        odds = np.array([lots[r][key] / (lots[r][key] + lots[r].get("", 0)) for r in drew.tolist()])
        rows = np.r_[meant, drew]
        probability = np.clip(np.r_[np.full(len(meant), kept), odds], 0.001, 0.999)
        arms[key] = model.RandomisedArm(rows, issued[rows] == key, probability)
    return arms


def round_population(
    connection: Connection,
    campaign: str,
    round_: int,
    leads: pa.Table,
    columns: Sequence[str] = evaluation.DECISION_COLUMNS,
) -> tuple[Lock, pa.Table, dict[str, int]]:
    """Return a round's lock, the decisions of its experiment, a person a row, and what was left out, by kind.

    Raise ``ConflictError`` where there was no such round. A goal that was redefined within the round does not mix with
    the first one: who was decided on under another goal is left out.
    """
    decisions = evaluation.population(read_decisions(connection, [campaign], round_, columns=columns), campaign)
    if not decisions.num_rows:
        raise ConflictError(
            "evaluate.no_round",
            Text("{campaign} 第 {round} 轮还没有决策；先运行 bankloop run", "{campaign} has no decisions in round {round}; run it first"),
            campaign=campaign, round=round_,
        )  # fmt: skip
    digests = decisions["lock_digest"].to_pylist()
    first = int(np.argmin(np.asarray(decisions["window_start"].cast(pa.int32()).to_numpy())))
    locks = {one: read_lock(stored_lock(connection, one)) for one in sorted(set(digests))}
    lock = locks[digests[first]]
    same = [one for one, found in locks.items() if _read_alike(found, lock)]
    kept = decisions.filter(pc.is_in(decisions["lock_digest"], pa.array(same))).combine_chunks()
    once = first_of_persons(kept, leads)
    return lock, once, {
        "redefined": decisions.num_rows - kept.num_rows, "same_person": kept.num_rows - once.num_rows
    }  # fmt: skip


def _read_alike(one: Lock, other: Lock) -> bool:
    """Whether two locks call the same thing a success and give it the same worth."""
    found = [(x.campaign.goal, x.campaign.products[0], [p.contribution for p in x.products]) for x in (one, other)]
    return found[0] == found[1]


def round_outcomes(bank: Bank, connection: Connection, campaign: str, round_: int) -> tuple[Lock, evaluation.Outcomes]:
    """Return a campaign's lock and outcomes of one round; raise ``ConflictError`` where there was none."""
    lock, decisions, left_out = round_population(connection, campaign, round_, bank.leads())
    found = campaign_outcomes(bank, connection, lock, decisions, round_)
    return lock, replace(found, notes={**found.notes, **left_out})


def campaign_outcomes(
    bank: Bank, connection: Connection, lock: Lock, decisions: pa.Table, round_: int, *, to_read: bool = True
) -> evaluation.Outcomes:
    """Return the outcomes of decisions of one round, from the contacts and events stored since.

    ``to_read`` adds what a reading takes beside them: what was known before, and the groups.
    """
    shares = planned_shares(connection, lock, round_)
    again = (
        read_decisions(connection, [lock.name], round_, columns=evaluation.DECISION_COLUMNS)
        if len(shares) > 1
        else None
    )
    leads = bank.leads()
    starts = pc.min_max(decisions["window_start"])
    amount = amount_before(bank, connection, lock, decisions)
    # Both ends count, and the day after belongs to the next round.
    first, until = starts["min"].as_py(), starts["max"].as_py() + timedelta(days=lock.campaign.goal.within - 1)
    return evaluation.outcomes_of(
        lock,
        round_,
        decisions if amount is not None else with_recorded(connection, lock, decisions, evaluation.worth_reads(lock)),
        accepted_contacts(connection, lock.name),
        as_decided(events_between(bank, connection, evaluation.event_types(lock), first, until), decisions, leads),
        again=None if again is None else as_decided(again, decisions, leads),
        before=chance_before(bank, connection, lock, decisions) if to_read else None,
        labels=_groups(bank, connection, lock, decisions) if to_read else {},
        share=shares,
        amount=amount,
    )


def planned_shares(connection: Connection, lock: Lock, round_: int) -> dict[date, float]:
    """Return the control share that each window of a round was planned with, by its first day."""
    written = lock.campaign.evaluate.control
    otherwise = written / 1_000_000 if isinstance(written, int) else 0.25
    return {
        stored.window_start: float(stored.summary.get("control_share", {}).get(lock.name, otherwise))
        for stored in read_plans(connection)
        if stored.summary.get("round") == round_ and lock.name in stored.campaigns
    }


def chance_before(bank: Bank, connection: Connection, lock: Lock, decisions: pa.Table) -> NDArray[np.float64] | None:
    """Return the chance of success (n,) that the locked model gave from what each decision recorded, known beforehand.

    None where the artefact is no longer kept, or by an earlier version: readings then use the plain difference, and say so.
    """
    digest = lock.models.get(lock.name)
    row = next((m for m in read_models(connection, lock.name) if m.artefact_digest == digest), None)
    if row is None or not model.is_kept(bank.folder / row.artefact_path):
        return None
    learned = model.load_model(bank.folder / row.artefact_path, row.artefact_digest)
    if not set(learned.base.features) <= set(lock.types):
        return None
    known = _as_decided(bank, connection, lock, decisions, learned.base.features)
    return learned.base.predict(model.feature_matrix(known, learned.base.features))


def amount_before(bank: Bank, connection: Connection, lock: Lock, decisions: pa.Table) -> NDArray[np.float64] | None:
    """Return the amount of a success (n,) in fen that the locked model expected of each; None where the lock names none.

    Also where the artefact is no longer kept, or by an earlier version: the product's attribute then stands for it.
    """
    digest = lock.models.get(amount_of(lock.name))
    row = next((m for m in read_models(connection, amount_of(lock.name)) if m.artefact_digest == digest), None)
    if row is None or not model.is_kept(bank.folder / row.artefact_path):
        return None
    found = model.load_amount(bank.folder / row.artefact_path, row.artefact_digest)
    return found.predict(
        model.feature_matrix(_as_decided(bank, connection, lock, decisions, found.features), found.features)
    )


def with_recorded(connection: Connection, lock: Lock, decisions: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return a campaign's decisions with what they recorded of ``names`` as JSON in the column ``attributes``."""
    if not names or not decisions.num_rows:
        return decisions
    found = read_recorded(connection, [lock.name], pc.unique(decisions["round"]).to_pylist(), names)
    place = pc.index_in(decisions["decision_id"], found["decision_id"].combine_chunks())
    return decisions.append_column("attributes", found["attributes"].take(place))


def _as_decided(bank: Bank, connection: Connection, lock: Lock, decisions: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return attributes as they were decided on: from the state, where one served all and is kept, else as recorded."""
    digests = pc.unique(decisions["state_digest"]).to_pylist()
    state = bank.kept(digests[0]) if len(digests) == 1 else None
    if state is None or not set(names) <= set(state.table.column_names):
        return evaluation.recorded(with_recorded(connection, lock, decisions, names), lock, names)
    return state.table.select(names).take(bank.places_of(decisions["customer_no"], state))


def _groups(bank: Bank, connection: Connection, lock: Lock, decisions: pa.Table) -> dict[str, NDArray[np.str_]]:
    """The groups that every decision recorded: the branch, and the tier where the campaign's model or rules read it."""
    found = {"branch": np.array(decisions["unit_id"].to_pylist(), dtype=str)}
    if "tier" in lock.types:
        tier = _as_decided(bank, connection, lock, decisions, ["tier"])["tier"]
        found["tier"] = np.array(pc.fill_null(tier.cast(pa.string()), "").to_pylist(), dtype=str)
    return found


# Whose customer it was, by the dimension's name.
STAFFED = {"sub_branch": "sub_branch_id", "manager": "manager_id"}


def staffed(bank: Bank, decisions: pa.Table, dimension: str) -> NDArray[np.str_]:
    """Return whose customer each was (n,) on the day that the decision read, '' for nobody's."""
    found = np.zeros(decisions.num_rows, dtype="U64")
    days = np.array([day.isoformat() for day in decisions["as_of"].to_pylist()], dtype=str)
    for day in np.unique(days).tolist():
        here = np.flatnonzero(days == day)
        state = bank.state(date.fromisoformat(day))
        place = bank.places_of(decisions["customer_no"].take(pa.array(here)), state)
        names = state.table[STAFFED[dimension]].take(place)
        found[here] = np.array(pc.fill_null(names, "").to_pylist(), dtype=str)
    return found


def events_between(bank: Bank, connection: Connection, types: Sequence[str], start: date, until: date) -> pa.Table:
    """Return the events (``evaluation.HAPPENED``) of ``types`` from ``start`` to ``until``, of the store and of the lake."""
    seen = read_events(connection, types, start, until).select(evaluation.HAPPENED.names).cast(evaluation.HAPPENED)
    return pa.concat_tables([seen, _loaded_events(bank, types, start, until)]).combine_chunks()


def _loaded_events(bank: Bank, types: Sequence[str], start: date, until: date) -> pa.Table:
    """Who did what in a window, of the events that came with the bank's files."""
    values = {
        "types": list(types),
        "start": local_moment(start, 0, 0, bank.lake.zone),
        "stop": local_moment(until + timedelta(days=1), 0, 0, bank.lake.zone),
    }
    query = (
        "SELECT customer_no, type, scene, occurred_at FROM event "
        "WHERE list_contains($types, type) AND occurred_at >= $start AND occurred_at < $stop"
    )
    with bank.lake.connection(Scope.whole_bank("labels")) as connection:
        found = connection.sql(query, params=values).to_arrow_table()
    at = found["occurred_at"].cast(pa.timestamp("us", tz="UTC"))
    local = at.cast(pa.timestamp("us", bank.lake.zone)).cast(pa.date32())
    columns = [found["customer_no"], found["type"], found["scene"], local, at]
    return pa.table(columns, names=evaluation.HAPPENED.names).cast(evaluation.HAPPENED)


# What learning takes of a decision beside what reading takes.
LEARNT_FROM = (*evaluation.DECISION_COLUMNS, "propensities", "due_on")
