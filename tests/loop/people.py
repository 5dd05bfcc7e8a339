"""A few customers by hand: a state with every attribute at a harmless value, and the bank's files around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa

from bankloop.customer.catalogue import frozen_catalogue, read_catalogue
from bankloop.customer.state import state_schema
from bankloop.loop.spec import BankSpec, Campaign, Lock, make_lock, read_bank_spec

AS_OF = date(2026, 8, 23)
BANK = Path(str(resources.files("bankloop.simulate") / "bank"))
_CHURN = {"type": "score", "zh": "流失分", "en": "Churn", "owner": "retail", "score": True}
CATALOGUE = frozen_catalogue({**read_catalogue(BANK).definitions, "churn": _CHURN})
TYPES = CATALOGUE.types

_HARMLESS: dict[str, Any] = {
    "age": 40, "branch_id": "B001", "sub_branch_id": "S0001", "marketing_consent": True, "phone_valid": True,
    "app_registered": True, "push_allowed": True, "has_debit_card": True, "risk_tolerance": 3,
    "days_since_risk_assessment": 100, "days_since_complaint": None, "gender": "F", "region": "泉江",
    "manager_id": None, "next_maturity": None, "days_to_maturity": None, "auto_renew_next": None,
}  # fmt: skip
_ZERO = {"bool": False, "int": 0, "money": 0, "score": 0, "string": "", "date": None}


def state(customers: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return a state of customers, each given by what is special about it; money in fen."""
    schema = state_schema(CATALOGUE)
    plain = {name: _ZERO.get(str(type_), 0) for name, type_ in TYPES.items()}
    rows = [{"customer_no": f"C{i:06d}", **plain, **_HARMLESS, **one} for i, one in enumerate(customers)]
    return pa.Table.from_pylist(rows, schema=schema)


def bank_spec() -> BankSpec:
    """Return the demo bank's files, read and checked."""
    return read_bank_spec(BANK, TYPES)


def lock_of(name: str, **changes: Any) -> Lock:
    """Return a campaign's lock, with fields of the campaign replaced."""
    spec = bank_spec()
    campaign = spec.campaigns[name].model_copy(update=changes)
    return lock_for(campaign, spec)


def lock_for(campaign: Campaign, spec: BankSpec) -> Lock:
    """Return the lock of a campaign over a bank's files; every attribute is in it."""
    definitions = {n: {**body, "uses": sorted(CATALOGUE[n].reads)} for n, body in CATALOGUE.definitions.items()}
    return make_lock(campaign, spec, definitions, {campaign.campaign: "0" * 64}, TYPES)
