"""Next best offers for one customer, and the top of a model's list: ranked by what is expected, each with its reasons.

Suitability comes first: who has no valid risk assessment is shown deposits only, is invited to an assessment that names no
product, and sees investments locked with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.ages import ADULT
from bankloop.customer.consent import ANY_CHANNEL, Purpose, holds, may_contact, standing_of
from bankloop.kit.errors import ConflictError
from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.loop import audience, model, reach
from bankloop.loop.bank import Bank
from bankloop.loop.model import FeaturePart, Uplift, parts_of
from bankloop.loop.offering.shelf import shelf_now
from bankloop.loop.product import RISK_ASSESSMENT, SENTENCES, WhyNot, match_products, rule_suitability
from bankloop.loop.round.labels import audience_now
from bankloop.loop.spec import Product, read_lock
from bankloop.organization.principals import system
from bankloop.organization.rights import open_customer
from bankloop.store.contracts import ModelVersion, Principal
from bankloop.store.registry import champion, list_campaigns
from bankloop.store.registry import read_lock as stored_lock

MOST_OFFERS = 3
# What may be shown to who has no valid assessment.
_WITHOUT_ASSESSMENT = ("deposit",)
_LOCKED = (WhyNot.ASSESSMENT_MISSING, WhyNot.ASSESSMENT_EXPIRED, WhyNot.RISK_MISMATCH, WhyNot.AGED)
_OPEN = Text("可推介", "open")
_WORTH = Text("预计一年贡献 {worth}", "expected to bring {worth} in a year")


@dataclass(frozen=True, slots=True)
class NextOffer:
    """One product for one customer: open or locked with the reason; ``expected`` fen a year; ``why`` in words."""

    product: Product
    open: bool
    reason: Text
    expected: float
    why: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class NextOffers:
    """The best offers, whether an invitation to a risk assessment goes with them, and what is locked.

    ``personal`` is false for who declined personalisation: the catalogue's order, the same for everybody. ``refused`` says
    why there are none for who allows no marketing.
    """

    customer_no: str
    offers: tuple[NextOffer, ...]
    invited: bool
    locked: tuple[NextOffer, ...]
    personal: bool = True
    refused: Text | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """One customer of a model's top: chance of success without contact, what the best action adds, reasons."""

    customer_no: str
    chance: float
    adds: float
    why: tuple[FeaturePart, ...]


@dataclass(frozen=True, slots=True)
class Top:
    """The top of a champion's list: ``lift`` is that of its top tenth on rows held out from training."""

    campaign: str
    version: int
    audience: int
    size: int
    lift: float
    ranked: tuple[Ranked, ...]


def next_offers(bank: Bank, principal: Principal, customer_no: str) -> NextOffers:
    """Return the next best offers for a customer whom the principal may see; opening the customer leaves its row.

    The customer's own word comes first: no offers without consent to marketing, no models against personalisation.
    """
    open_customer(bank.store, bank.lake, principal, customer_no)
    with bank.store.begin(system("offers")) as connection:
        words = standing_of(connection, customer_no).words
    rulings = [may_contact(words, channel) for channel in (ANY_CHANNEL, *bank.spec.policies.channels)]
    if not any(ruling.allowed for ruling in rulings):
        return NextOffers(customer_no, (), False, (), refused=rulings[0].reason)
    as_of = bank.lake.today() - timedelta(days=1)
    people = bank.state(as_of).table
    found = people.filter(pc.equal(people["customer_no"], bank.lead_of(customer_no)))
    if found.num_rows and (young := _age_refuses(found["age"][0].as_py())) is not None:
        return NextOffers(customer_no, (), False, (), refused=young)
    products = shelf_now(bank, system("offers")).all_of(bank.spec.products.values())
    if holds(words, Purpose.NO_PERSONALISATION):
        return offers_for(bank, found, products, {}, as_of, personal=False)
    return offers_for(bank, found, products, _champions(bank), as_of)


def _age_refuses(age: int | None) -> Text | None:
    """Return why nothing is marketed to somebody of an age; the sentence that leaves them out of campaigns too."""
    code = "age_unknown" if age is None else "minor" if age < ADULT else ""
    return next((one.title for one in audience.EXCLUSIONS if one.code == code), None)


def offers_for(
    bank: Bank,
    person: pa.Table,
    products: Sequence[Product],
    champions: Mapping[str, Callable[[], Uplift]],
    as_of: date,
    *,
    personal: bool = True,
) -> NextOffers:
    """Return the offers of one customer (a state of one row) from the shelf as it is, ranked by models where there are any.

    A model is loaded where its product is open. Not ``personal``: in the order of ``products``, without expectation.
    """
    number = str(person["customer_no"][0].as_py()) if person.num_rows else ""
    if not person.num_rows:
        return NextOffers(number, (), False, (), personal)
    codes = match_products(products, bank.spec.policies.segments, person, bank.catalogue.types, as_of)
    row: Mapping[str, Any] = person.to_pylist()[0]
    assessed = rule_suitability(row.get("risk_tolerance"), row.get("days_since_risk_assessment"), 1, None).open
    offers, locked = [], []
    for product in products:
        if product.key == RISK_ASSESSMENT:
            continue
        reason = codes.reason(product.key, 0)
        if reason is WhyNot.OPEN and (assessed or product.product_class in _WITHOUT_ASSESSMENT):
            offers.append(
                _offer(bank, product, person, champions) if personal else NextOffer(product, True, _OPEN, 0.0, ())
            )
        elif reason in _LOCKED:
            said = SENTENCES[reason].filled(
                tolerance=row.get("risk_tolerance"), risk=product.risk.level if product.risk else 0
            )
            locked.append(NextOffer(product, False, said, 0.0, ()))
    best = sorted(offers, key=lambda one: -one.expected)[:MOST_OFFERS]
    return NextOffers(number, tuple(best), not assessed, tuple(locked), personal)


def top_of(bank: Bank, principal: Principal, campaign: str, share: float = 0.1, most: int = 100) -> Top:
    """Return the top ``share`` of a campaign's audience by its champion's chance, the first ``most`` with their reasons.

    Raises ``ConflictError`` where the campaign has no champion or was never submitted.
    """
    with bank.store.begin(principal) as connection:
        entry = champion(connection, campaign)
        row = next((one for one in list_campaigns(connection) if one.name == campaign), None)
        lock = read_lock(stored_lock(connection, row.lock_digest)) if row and row.lock_digest else None
    if entry is None or lock is None:
        raise ConflictError(
            "model.no_list",
            Text("{name} 还没有现任模型或没有提交；先批准模型并提交战役", "{name} has no champion or was never submitted; approve a model and submit the campaign first"),
            name=campaign,
        )  # fmt: skip
    learned = _loaded(bank, entry)
    members = audience_now(bank, lock, bank.lake.today() - timedelta(days=1), learned.base.features)
    x = model.feature_matrix(members, learned.base.features)
    keys = [action.key for action in reach.actions_of(lock)]
    chance, uplift = learned.predict(x, keys)
    size = max(1, round(len(chance) * share)) if len(chance) else 0
    order = np.argsort(-chance, kind="stable")[:size]
    shown = order[:most]
    why = parts_of(learned.base, x[shown], learned.usual)
    adds = uplift.max(axis=1, initial=0.0)
    numbers = members["customer_no"].to_pylist()
    ranked = tuple(
        Ranked(numbers[at], float(chance[at]), float(adds[at]), parts)
        for at, parts in zip(shown.tolist(), why, strict=True)
    )
    return Top(campaign, entry.version, len(chance), size, float(entry.card["lift_at_10"]), ranked)


def said_of(bank: Bank, parts: Sequence[FeaturePart]) -> tuple[Text, ...]:
    """Return a model's reasons in words, without the customer's values."""
    found = []
    for part in parts:
        label = bank.catalogue[part.feature].label
        way = ("高于一般", "above the usual") if part.above else ("低于一般", "below the usual")
        points = f"{part.change * 100:+.1f}".replace("-", "−")
        found.append(Text(f"{label.zh}{way[0]}（{points} 个百分点）", f"{label.en} {way[1]} ({points} pp)"))
    return tuple(found)


def _offer(bank: Bank, product: Product, person: pa.Table, champions: Mapping[str, Callable[[], Uplift]]) -> NextOffer:
    worth = float(product.contribution.fixed)
    if product.contribution.of is not None:
        balance = person[product.contribution.of][0].as_py() or 0
        worth += balance * product.contribution.rate / 1_000_000
    load = champions.get(product.key)
    why: tuple[Text, ...] = ()
    expected = worth
    if load is not None:
        learned = load()
        x = model.feature_matrix(person, learned.base.features)
        expected = worth * float(learned.base.predict(x)[0])
        why = said_of(bank, parts_of(learned.base, x, learned.usual)[0])
    said = _WORTH.filled(worth=Text(say_fen(expected, Language.ZH), say_fen(expected, Language.EN)))
    return NextOffer(product, True, _OPEN, expected, (*why, said))


def _champions(bank: Bank) -> dict[str, Callable[[], Uplift]]:
    """Return by product how to get the champion of the first campaign that sells it."""
    found: dict[str, Callable[[], Uplift]] = {}
    with bank.store.begin(system("offers")) as connection:
        entries = {name: champion(connection, name) for name in bank.spec.campaigns}
    for name, campaign in bank.spec.campaigns.items():
        entry = entries[name]
        if entry is not None and campaign.products[0] not in found:
            found[campaign.products[0]] = partial(_loaded, bank, entry)
    return found


def _loaded(bank: Bank, entry: ModelVersion) -> Uplift:
    return _artefact(bank.folder / entry.artefact_path, entry.artefact_digest)


@lru_cache(maxsize=64)
def _artefact(path: Path, digest: str) -> Uplift:
    """Return an artefact, read once by a process: the digest that was approved says which."""
    return model.load_model(path, digest)
