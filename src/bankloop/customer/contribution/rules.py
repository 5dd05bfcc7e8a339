"""Pure rules of contribution: what a balance brings and takes, which money is new; and the file of rates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bankloop.customer.contribution import errors
from bankloop.customer.contribution.contracts import Moved, RateCard, Rates, StatementLine
from bankloop.kit.located import Located, read_located
from bankloop.kit.money import to_fen
from bankloop.lake.conformed import PRODUCT_CLASSES

BUILT_IN = Path(__file__).with_name("contribution.yaml")
OWN = "contribution.yaml"
PPM = 1_000_000
_KINDS = ("deposit", "loan", "other")
_PERCENTS = ("rate", "ftp", "fee", "cost", "loss", "risk_weight")
_AMOUNTS = ("fee_each", "cost_each")
_NOTHING = Rates(0)


def line_of(product_class: str, product_id: str, average_fen: int, holdings: int, card: RateCard) -> StatementLine:
    """Return what an average balance over so many holdings of a product brings in a year; each part is rounded once."""
    rates = card.products.get(product_id) or card.classes.get(product_class, _NOTHING)
    return StatementLine(
        product_class,
        product_id,
        average_fen,
        spread=share(average_fen, rates.spread),
        fees=share(average_fen, rates.fee) + holdings * rates.fee_each,
        cost=share(average_fen, rates.cost) + holdings * rates.cost_each,
        loss=share(average_fen, rates.loss),
        capital=share(average_fen, rates.capital),
    )


def share(fen: int, ppm: int) -> int:
    """Return so many millionths of an amount, in fen, half away from nought."""
    whole = abs(fen) * abs(ppm)
    rounded = (2 * whole + PPM) // (2 * PPM)
    return rounded if (fen < 0) == (ppm < 0) else -rounded


def moved(before: Mapping[str, int], after: Mapping[str, int], since: date, until: date) -> Moved:
    """Return which of a customer's rising balances is money from outside, and which only changed its product.

    By class of assets: what fell here and rose there is displaced (存款搬家); what rose beyond that is new (行外吸金), what
    fell beyond it is lost. new − lost is the change of all assets, exactly.
    """
    changes = [after.get(name, 0) - before.get(name, 0) for name in {*before, *after}]
    up, down = sum(x for x in changes if x > 0), -sum(x for x in changes if x < 0)
    displaced = min(up, down)
    return Moved(since, until, up - displaced, displaced, down - displaced)


def read_cards(folder: Path | None = None) -> tuple[RateCard, ...]:
    """Return the rate cards by their first day: the bank's own file, or what every bank begins with.

    Raises ``SpecError`` naming file and line where they cannot be.
    """
    own = folder / OWN if folder is not None and (folder / OWN).exists() else BUILT_IN
    file = read_located(own)
    entries = (file.content or {}).get("rates") if isinstance(file.content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise errors.rate_spec(file.place("rates"), "缺少 rates", "rates is missing")
    found = tuple(_card(file, index, entry) for index, entry in enumerate(entries))
    if [one.since for one in found] != sorted({one.since for one in found}):
        raise errors.rate_spec(file.place("rates"), "since 应递增", "since must rise")
    return found


def card_on(cards: tuple[RateCard, ...], day: date) -> RateCard:
    """Return the card of a day: the last one that has begun, or the first."""
    return next((one for one in reversed(cards) if one.since <= day), cards[0])


def _card(file: Located, index: int, entry: Any) -> RateCard:
    place = file.place("rates", index)
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("since"), date)
        or not isinstance(entry.get("classes"), dict)
    ):
        raise errors.rate_spec(place, "需要 since（日期）和 classes", "a card has since (a day) and classes")
    if unknown := [name for name in entry["classes"] if name not in PRODUCT_CLASSES]:
        known = ", ".join(PRODUCT_CLASSES)
        raise errors.rate_spec(
            place, f"没有产品大类 {unknown[0]}；有 {known}", f"no product class {unknown[0]}; known: {known}"
        )
    charge = _ppm(place, entry.get("capital_ratio", 0)) * _ppm(place, entry.get("cost_of_capital", 0)) // PPM
    parts = [
        {
            name: _rates(file.place("rates", index, part, name), one, charge)
            for name, one in (entry.get(part) or {}).items()
        }
        for part in ("classes", "products")
    ]
    return RateCard(entry["since"], *parts)


def _rates(place: str, entry: Any, charge: int) -> Rates:
    known = ("kind", *_PERCENTS, *_AMOUNTS)
    if not isinstance(entry, dict) or entry.get("kind") not in _KINDS:
        raise errors.rate_spec(place, f"kind 应为 {'、'.join(_KINDS)}", f"kind is one of {', '.join(_KINDS)}")
    if unknown := [name for name in entry if name not in known]:
        raise errors.rate_spec(place, f"未知的键 {unknown[0]}；可用：{'、'.join(known)}", f"unknown key {unknown[0]}; known: {', '.join(known)}")  # fmt: skip
    rate, ftp, fee, cost, loss, weight = (_ppm(place, entry.get(name, 0)) for name in _PERCENTS)
    spread = {"deposit": ftp - rate, "loan": rate - ftp, "other": 0}[entry["kind"]]
    fee_each, cost_each = (to_fen(str(entry.get(name, 0))) for name in _AMOUNTS)
    return Rates(spread, fee, cost, loss, weight * charge // PPM, fee_each, cost_each)


def _ppm(place: str, percent: Any) -> int:
    """Return a percentage in ppm, half up; what YAML read as a float goes through its shortest decimal form."""
    try:
        return int((Decimal(str(percent)) * 10_000).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except InvalidOperation:
        raise errors.rate_spec(place, f"{percent} 不是百分数", f"{percent} is no percentage") from None
