"""Products on their way online (产品线上化迁移): what a customer cannot yet get without a branch, most sold first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from bankloop.kit.text import Text
from bankloop.loop.offering.assortment import Scorecard
from bankloop.loop.spec import Product


@dataclass(frozen=True, slots=True)
class MigrationLine:
    """One product that is not all online: ``online`` in ppm, its sales of a year and holders, and how it will be."""

    product: str
    title: Text
    online: int
    sales: int
    holders: int
    owner: str
    by: date | None
    late: bool
    waits_for: Text | None


def migration_list(products: Iterable[Product], cards: Sequence[Scorecard], today: date) -> tuple[MigrationLine, ...]:
    """Return the products of the shelf that are not all online, the most sold first; ``cards`` count them.

    A bundle is as its legs are, and is no line of its own. Late is what should have been online before ``today``.
    """
    counted = {one.product: one for one in cards}
    found = []
    for one in products:
        if one.is_online or one.legs or not one.available.on:
            continue
        card, way = counted.get(one.key), one.migration
        found.append(
            MigrationLine(
                one.key,
                one.title.text,
                one.online,
                card.sales if card else 0,
                card.holders if card else 0,
                way.owner if way else "",
                way.by if way else None,
                way is not None and way.by < today,
                way.waits_for.text if way and way.waits_for else None,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.sales, one.online, one.product)))
