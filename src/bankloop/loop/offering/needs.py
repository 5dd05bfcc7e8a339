"""What one customer needs besides campaigns: assets spread as the assessment allows, basics that are missing, services.

Nothing is sent: it is what a manager speaks about. Who has no valid assessment gets no proposal for assets and an
invitation to one; who declined personalisation gets none at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.consent import Purpose, holds, standing_of
from bankloop.kit.expression import parse, to_function
from bankloop.kit.plain import plain
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.offering.shelf import shelf_now
from bankloop.loop.product import SENTENCES, Offers, WhyNot, match_products, rule_suitability
from bankloop.loop.spec import ASSET_CLASSES, AddedService, Basic, Needs, Product, read_needs
from bankloop.loop.spec.batch import conditions
from bankloop.organization.principals import system
from bankloop.organization.rights import open_customer, unmasked_fields
from bankloop.store.contracts import Principal

_WHOLE = 1_000_000
# The field whose unmasking shows amounts.
_MONEY = "aum_fen"
_INVESTED = ("wealth", "fund", "insurance")
# Where what may not be invested stays.
_SAFE = "term_deposit"
_NOTHING_OPEN = Text("货架上没有可推介的产品，这一份留在定期", "nothing of it is open, so that share stays on deposit")
_HELD = "SELECT product_class, sum(balance_fen) FROM holding WHERE customer_no = $customer GROUP BY 1"


@dataclass(frozen=True, slots=True)
class AllocationLine:
    """One class of assets: share now and proposed (ppm), fen now and proposed, and by which product, if any.

    The amounts are None for who may not see them. ``capped`` says why the model's share is not proposed.
    """

    asset_class: str
    share: int
    target: int
    fen: int | None
    target_fen: int | None
    product: Product | None = None
    capped: Text | None = None


@dataclass(frozen=True, slots=True)
class CustomerNeeds:
    """A customer's needs; ``allocation`` is empty without a valid assessment (``invited``) and without assets.

    ``personal`` is false for who declined personalisation: nothing is proposed.
    """

    customer_no: str
    tolerance: int | None
    invited: bool
    personal: bool
    allocation: tuple[AllocationLine, ...]
    basics: tuple[Basic, ...]
    services: tuple[AddedService, ...]


@dataclass(frozen=True, slots=True)
class BasicGap:
    """How many customers should have a basic product and have not, in all and by segment."""

    basic: Basic
    among: int
    lacking: int
    by_segment: Mapping[str, int]


def needs_of(bank: Bank, principal: Principal, customer_no: str) -> CustomerNeeds:
    """Return what a customer needs; opening the customer takes the right to, and is an access row."""
    open_customer(bank.store, bank.lake, principal, customer_no)
    with bank.store.begin(principal) as connection:
        clear = _MONEY in unmasked_fields(connection, customer_no)
    with bank.store.begin(system("needs")) as connection:
        words = standing_of(connection, customer_no).words
    as_of, lead = bank.lake.today() - timedelta(days=1), bank.lead_of(customer_no)
    people = bank.state(as_of).table
    person = people.filter(pc.equal(people["customer_no"], lead))
    needs, types = read_needs(bank.folder, bank.catalogue.types), bank.catalogue.types
    if not person.num_rows or holds(words, Purpose.NO_PERSONALISATION):
        return CustomerNeeds(customer_no, None, False, False, (), (), ())
    row: Mapping[str, Any] = {**person.to_pylist()[0], "today": as_of}
    tolerance = row.get("risk_tolerance")
    assessed = rule_suitability(tolerance, row.get("days_since_risk_assessment"), 1, None).open
    allocation: tuple[AllocationLine, ...] = ()
    if assessed and f"C{tolerance}" in needs.allocations:
        with bank.persons("needs") as engine:
            held = dict(engine.execute(_HELD, {"customer": lead}).fetchall())
        products = shelf_now(bank, system("needs")).all_of(bank.spec.products.values())
        codes = match_products(products, bank.spec.policies.segments, person, types, as_of)
        allocation = allocate(needs.allocations[f"C{tolerance}"], held, products, codes, int(tolerance or 0))
        if not clear:
            allocation = tuple(replace(one, fen=None, target_fen=None) for one in allocation)

    def meets(text: str) -> bool:
        condition = parse(text, types)
        return to_function(condition)({**dict.fromkeys(condition.names), **row}) is True

    basics = tuple(one for one in needs.basics if meets(one.lacking))
    services = tuple(one for one in needs.benefits if meets(one.when))
    return CustomerNeeds(customer_no, tolerance, not assessed, True, allocation, basics, services)


def allocate(
    target: Mapping[str, int], held: Mapping[str, int], products: Sequence[Product], codes: Offers, tolerance: int
) -> tuple[AllocationLine, ...]:
    """Return how a customer's assets are spread and might be, every share to the ppm and every fen of them placed.

    ``target`` are the model's shares (ppm), ``held`` fen by class, ``codes`` the rulings on this one customer. A class
    of which nothing is open is capped: its share stays on deposit. Without assets there is nothing to spread.
    """
    fen: dict[str, int] = {name: max(0, int(held.get(name) or 0)) for name in ASSET_CLASSES}
    total = sum(fen.values())
    if total == 0:
        return ()
    chosen: dict[str, Product] = {}
    capped: dict[str, Text] = {}
    shares: dict[str, int] = {name: target.get(name, 0) for name in ASSET_CLASSES}
    for name in _INVESTED:
        if shares[name]:
            best, why = _best(name, products, codes, tolerance)
            if best is None:
                shares[_SAFE] += shares[name]
                shares[name], capped[name] = 0, why
            else:
                chosen[name] = best
    placed = _whole(total, shares)
    now = _whole(_WHOLE, fen)
    return tuple(
        AllocationLine(name, now[name], shares[name], fen[name], placed[name], chosen.get(name), capped.get(name))
        for name in ASSET_CLASSES
        if fen[name] or shares[name] or name in capped
    )


def _best(name: str, products: Sequence[Product], codes: Offers, tolerance: int) -> tuple[Product | None, Text]:
    """Return the product of a class that is open and nearest to what the customer bears; or None, and why none is."""
    of_class = [one for one in products if one.product_class == name]
    fit = [one for one in of_class if codes.open(one.key)[0] and one.risk is not None and one.risk.level <= tolerance]
    if fit:
        return max(fit, key=lambda one: (one.risk.level if one.risk else 0, one.key)), _NOTHING_OPEN
    for one in of_class:
        reason = codes.reason(one.key, 0)
        if reason is not WhyNot.OPEN:
            return None, SENTENCES[reason].filled(tolerance=tolerance, risk=one.risk.level if one.risk else 0)
    return None, _NOTHING_OPEN


def _whole(total: int, shares: Mapping[str, int]) -> dict[str, int]:
    """Return ``total`` divided by shares, in whole units that sum to it: the largest remainders get one more."""
    whole = sum(shares.values())
    found = {name: total * share // whole for name, share in shares.items()}
    order = sorted(shares, key=lambda name: (-(total * shares[name] % whole), name))
    for name in order[: total - sum(found.values())]:
        found[name] += 1
    return found


def told_needs(found: CustomerNeeds) -> dict[str, Any]:
    """Return a customer's needs as plain values, for the API and the command."""
    lines = [
        {
            "class": one.asset_class,
            "share": one.share,
            "target": one.target,
            "fen": one.fen,
            "target_fen": one.target_fen,
            "product": one.product.key if one.product else None,
            "risk": one.product.risk.level if one.product and one.product.risk else None,
            "capped": plain(one.capped),
        }
        for one in found.allocation
    ]
    basics = [
        {"basic": one.basic, "title": plain(one.title.text), "offer": plain(one.offer.text)} for one in found.basics
    ]
    services = [{"benefit": one.benefit, "title": plain(one.title.text), "kind": one.kind} for one in found.services]
    return {
        "customer_no": found.customer_no,
        "tolerance": found.tolerance,
        "invited": found.invited,
        "personal": found.personal,
        "allocation": lines,
        "basics": basics,
        "services": services,
    }


def basic_gaps(bank: Bank, seen: pa.Array | None = None) -> tuple[BasicGap, ...]:
    """Return for each basic product how many lack it, by the segments of ``policies.yaml`` too.

    ``seen`` are the customers that are counted, None for everybody.
    """
    needs: Needs = read_needs(bank.folder, bank.catalogue.types)
    as_of = bank.lake.today() - timedelta(days=1)
    state = bank.state(as_of).table
    if seen is not None:
        state = state.filter(pc.is_in(state["customer_no"], seen))
    segments = {key: one.where for key, one in bank.spec.policies.segments.items()}
    texts = {f"lacks:{one.basic}": one.lacking for one in needs.basics}
    texts |= {f"among:{one.basic}": one.among for one in needs.basics if one.among}
    met = conditions(
        state, {**texts, **{f"in:{key}": where for key, where in segments.items()}}, bank.catalogue.types, as_of
    )
    return tuple(_gap(one, met, tuple(segments), state) for one in needs.basics)


def _gap(one: Basic, met: Mapping[str, Any], segments: Sequence[str], state: pa.Table) -> BasicGap:
    lacks = met[f"lacks:{one.basic}"]
    among = met.get(f"among:{one.basic}", np.ones(state.num_rows, bool))
    return BasicGap(
        one, int(among.sum()), int(lacks.sum()), {key: int((lacks & met[f"in:{key}"]).sum()) for key in segments}
    )
