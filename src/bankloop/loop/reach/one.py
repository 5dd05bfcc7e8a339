"""One customer's values without the batch: a lock compiled to a function of one row, for who is here now.

Conditions are closures, trees are walked by hand, the rest is a few numbers; what comes out are the values that the batch
gives the same customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bankloop.kit.expression import to_function
from bankloop.loop.model import Scorer, Uplift, feature_row
from bankloop.loop.product import Rulings
from bankloop.loop.reach.candidates import actions_of
from bankloop.loop.reach.contracts import Action, Bools
from bankloop.loop.reach.kernels import Floats
from bankloop.loop.reach.quotas import meant, quotas_of, volume_of
from bankloop.loop.spec import Lock, Product, read_spelled_out
from bankloop.loop.spec.batch import whole_fen

Row = Mapping[str, Any]
_Condition = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class _Volume:
    """A quota's volume: the amount of one row as a number with ``scale`` decimals, and whose actions (k,) take it."""

    amount: _Condition
    scale: int
    mine: Bools

    def taken(self, row: Row) -> Floats:
        """Return (k,) whole fen; NaN where an action takes nobody knows how much."""
        number = self.amount(row)
        fen = whole_fen(np.array(np.nan if number is None else float(number)), self.scale)
        return np.where(self.mine, fen, 0.0)


@dataclass(frozen=True, slots=True)
class Valuer:
    """A campaign's lock and model, ready for one customer after another; ``keys`` name the actions of ``values``."""

    lock: Lock
    model: Uplift
    actions: tuple[Action, ...]
    scorer: Scorer
    rulings: Rulings
    audience: _Condition
    channels: Mapping[str, tuple[_Condition, ...]]
    volumes: Mapping[str, _Volume]

    @staticmethod
    def of(lock: Lock, model: Uplift) -> Valuer:
        """Compile a lock, its products as they are on the shelf, and the model that it names."""

        def compiled(text: str) -> _Condition:
            return to_function(read_spelled_out(text, lock.types))

        reach = lock.campaign.reach
        channels = {
            name: tuple(compiled(text) for text in (lock.policies.channels[name].open_to, reach.when.get(name)) if text)
            for name in reach.channels
        }
        actions = actions_of(lock)
        volumes = {
            volume_of(name): _Volume(
                compiled(quota.use), read_spelled_out(quota.use, lock.types).type.scale, meant(quota, actions)
            )
            for name, quota in quotas_of({lock.name: lock}, lock.policies).items()
            if quota.use is not None
        }
        return Valuer(
            lock,
            model,
            actions,
            Scorer.of([model.base]),
            Rulings.of(lock),
            compiled(lock.audience),
            channels,
            volumes,
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the actions as ``campaign|product|benefit|channel``, in the order of the values."""
        return tuple(f"{self.lock.name}|{action.key}" for action in self.actions)

    def values(self, row: Row) -> Floats:
        """Return (k,) in fen, −inf where closed, of a customer's attributes (None: unknown, ``today``: the as-of day).

        Who does not meet the audience's condition has everything closed. The standard exclusions, cells and consents are
        the gate's.
        """
        closed = np.full(len(self.actions), -np.inf)
        if not self.actions or self.audience(row) is not True:
            return closed
        x = feature_row(row, self.model.base.features)
        base = float(self.scorer.one(x)[0])
        uplift = self.model.effects_of(np.array([base]), x[None, :], [action.key for action in self.actions])[0]
        worth = _worth(self._first, row, self.model)
        cost = np.array([action.contact_cost for action in self.actions])
        face = np.array([float(action.face) for action in self.actions])
        value = uplift * worth - cost - np.clip(base + uplift, 0.0, 1.0) * face
        open_ = self.rulings.open_to(row)
        ways = {name: all(met(row) is True for met in conditions) for name, conditions in self.channels.items()}
        branches = self.lock.campaign.branch_benefits  # whose branch adds what is not known here: nobody gets these
        fits = np.array([open_[a.product] and ways[a.channel] and a.benefit not in branches for a in self.actions])
        for one in self.volumes.values():
            fits &= ~np.isnan(one.taken(row))
        return np.where(fits, value, closed)

    def uses(self, row: Row) -> dict[str, Floats]:
        """Return by resource (k,) what a customer's actions take of the volumes, whole fen, as the plan counts."""
        return {name: np.nan_to_num(one.taken(row)) for name, one in self.volumes.items()}

    @property
    def _first(self) -> Product:
        return next(p for p in self.lock.products if p.key == self.lock.campaign.products[0])


def _worth(product: Product, row: Row, model: Uplift) -> float:
    """Return what one success brings, fen: as the batch does, rounded half up."""
    worth = float(product.contribution.fixed)
    if product.contribution.of is not None:
        balance = float(row.get(product.contribution.of) or 0)
        if model.amount is not None:
            balance = float(model.amount.predict(feature_row(row, model.amount.features)[None, :])[0])
        worth += float(np.floor(balance * product.contribution.rate / 1_000_000 + 0.5))
    return worth
