"""Quotas of the plan: what each is called, which actions it is about, and what each customer takes of a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from bankloop.kit.expression import Type
from bankloop.loop.reach.contracts import Action, Bools, Floats
from bankloop.loop.spec import Lock, Policies, Quota
from bankloop.loop.spec.batch import amounts


def quotas_of(locks: Mapping[str, Lock], policies: Policies) -> dict[str, Quota]:
    """Return the quotas by name: the bank's own, and those of the campaigns, each for its own actions."""
    found = banks_quotas(policies)
    for lock in locks.values():
        found |= own_quotas(lock)
    return found


def banks_quotas(policies: Policies) -> dict[str, Quota]:
    """Return the bank's quotas by name."""
    return {quota.key: quota for quota in policies.plan.quotas}


def own_quotas(lock: Lock) -> dict[str, Quota]:
    """Return a campaign's quotas by name."""
    return {
        f"{lock.name}/{quota.key}": quota.model_copy(update={"campaign": lock.name})
        for quota in lock.campaign.reach.quotas
    }


def volume_of(name: str) -> str:
    """Return how a quota's volume is called among the resources of a plan."""
    return f"quota:{name}:volume"


def meant(quota: Quota, actions: Sequence[Action]) -> Bools:
    """Return (k,) which actions a quota is about."""
    wanted = {"campaign": quota.campaign, "product": quota.product, "benefit": quota.benefit, "channel": quota.channel}
    return np.array(
        [all(one is None or one == getattr(action, field) for field, one in wanted.items()) for action in actions], bool
    )


def amounts_by(
    quotas: Mapping[str, Quota], members: pa.Table, types: Mapping[str, Type], as_of: date
) -> dict[str, Floats]:
    """Return by quota (n,) what each of some customers takes of its volume, whole fen; NaN where that is not known."""
    return amounts(members, {name: quota.use for name, quota in quotas.items() if quota.use is not None}, types, as_of)


def unknown(quotas: Mapping[str, Quota], amount: Mapping[str, Floats], actions: Sequence[Action], n: int) -> Bools:
    """Return (n, k) where an action takes of a volume nobody knows how much: no plan could count it."""
    found = np.zeros((n, len(actions)), bool)
    for name, taken in amount.items():
        found |= np.isnan(taken)[:, None] & meant(quotas[name], actions)[None, :]
    return found
