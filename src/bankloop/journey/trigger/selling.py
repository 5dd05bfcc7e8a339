"""Whom a trigger may sell to: what holds of campaigns' audiences holds of it, and the holdout is left alone by all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection

from bankloop.customer.consent import may_contact, standing_of
from bankloop.kit.expression import parse, to_function
from bankloop.loop import audience, reach
from bankloop.loop.bank import Bank
from bankloop.loop.spec import read_spelled_out


def kept_from_selling(
    connection: Connection, bank: Bank, customer_no: str, channel: str, state: Mapping[str, Any], today: date
) -> str:
    """Return the code of what keeps a customer from being sold to, '' where nothing does or consent is missing.

    Consent is the gate's to refuse, which keeps its reason. The standard exclusions are asked with what the customer
    says now; what cannot be known leaves out. Confidential reasons and the holdout are one code.
    """
    words = standing_of(connection, customer_no).words
    if not may_contact(words, channel).allowed:
        return ""
    types = bank.catalogue.types
    row = audience.as_allowed({**state, "today": today}, words)
    left_out = audience.StandardExclusions.of(types).left_out(row)
    if left_out and left_out != audience.UNTOLD:
        return f"excluded:{left_out}"
    return audience.UNTOLD if left_out or _held_out(bank, customer_no, row, today) else ""


def is_open(bank: Bank, channel: str, state: Mapping[str, Any], today: date) -> bool:
    """Return whether a channel is open to a customer, as the bank's policies say; what cannot be known is not."""
    known = bank.spec.policies.channels.get(channel)
    if known is None or known.is_slot:
        return False
    condition = parse(known.open_to, bank.catalogue.types)
    row = {**dict.fromkeys(condition.names), **state, "today": today}
    return to_function(condition)(row) is True


def _held_out(bank: Bank, customer_no: str, row: Mapping[str, Any], today: date) -> bool:
    experiment = bank.spec.policies.experiment
    exempt = False
    if experiment.exempt is not None:
        condition = read_spelled_out(experiment.exempt, bank.catalogue.types)
        exempt = to_function(condition)({**dict.fromkeys(condition.names), **row}) is True
    drawn = reach.draw_cells(
        [bank.lead_of(customer_no)], today - timedelta(days=1), 0, experiment.holdout, 0, np.array([exempt])
    )
    return bool(drawn[0] == reach.ExperimentCell.HOLDOUT.value)
