"""The amount of a success as a model of its own, where a campaign says ``value: amount``: drafted, approved, read by its lock."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.loop import model
from bankloop.loop.bank import Bank
from bankloop.loop.learning.forecasts import happened, readable
from bankloop.loop.learning.training import SEED, promotion_effect, register
from bankloop.loop.model import Labelled, ModelCard
from bankloop.loop.spec import Campaign, amount_of
from bankloop.loop.spec.batch import conditions
from bankloop.organization.approval import submit_approval
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.registry import champion
from bankloop.store.verbs import verb


@verb("model.amount")
def draft_amount(bank: Bank, principal: Principal, name: str, today: date, seed: int = SEED) -> ModelCard:
    """Train the amount of a campaign's success from history, keep it as the next version and submit it."""
    campaign = bank.campaign(name)
    key = amount_of(name)
    data, now = amount_rows(bank, campaign, today)
    trained, card = model.train_amount_model(key, campaign, data, now, seed)
    with bank.store.begin(principal) as connection:
        before = champion(connection, key)
        entered = register(bank, connection, key, trained, card)
        effect = promotion_effect(before, entered, None) if before is not None else {}
        submit_approval(connection, "model", key, entered.artefact_digest, effect=effect)
        record_audit(connection, "model.amount", "model", key, None, {"rows": card.rows, "version": entered.version})
    return card


def amount_rows(bank: Bank, campaign: Campaign, today: date) -> tuple[Labelled, NDArray[np.float64]]:
    """Return who reached the goal within its window up to ``today``, as known before it, with the amount in fen; today's audience."""
    then = today - timedelta(days=campaign.goal.within)
    past, present = bank.state(then).table, bank.state(today).table
    found = happened(bank, campaign.goal.event, then + timedelta(days=1), today)
    found = found.filter(pc.greater(pc.fill_null(found["fen"], 0), 0))
    names = readable(bank, then)
    rows = past.filter(pc.is_in(past["customer_no"], found["customer_no"]))
    fen = found["fen"].take(pc.index_in(rows["customer_no"], found["customer_no"].combine_chunks()))
    here = conditions(present, {"audience": bank.audience(campaign)}, bank.catalogue.types, today)["audience"]
    now = model.feature_matrix(present.take(pa.array(np.flatnonzero(here))), names)
    y = np.asarray(fen.to_numpy(), np.float64)
    return Labelled(model.feature_matrix(rows, names), y, names, (then, today)), now


__all__ = ["amount_rows", "draft_amount"]
