"""What a place in the bank's own app shows to one customer: chosen for them, or the same for everybody, or nothing.

个保法 24: whoever closed personalisation is shown what does not rest on their person. So the generic list asks nothing of
a customer, not even what they hold: it is the shelf in the catalogue's order, alike for all, and no model is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from bankloop.customer.consent import Content, content_for, standing_of
from bankloop.loop.bank import Bank
from bankloop.loop.offering.offers import NextOffers, next_offers
from bankloop.loop.offering.shelf import shelf_now
from bankloop.loop.product import RISK_ASSESSMENT
from bankloop.loop.spec import Product
from bankloop.organization.principals import system
from bankloop.store.contracts import Principal

PLACES = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """One customer's slot: what may be shown, what was chosen for them (none where that may not be), what all others see."""

    customer_no: str
    content: Content
    chosen: tuple[Product, ...]
    generic: tuple[Product, ...]

    @property
    def shown(self) -> tuple[Product, ...]:
        """Return what the customer sees, place by place."""
        match self.content:
            case Content.PERSONAL:
                return self.chosen
            case Content.GENERIC:
                return self.generic
        return ()


def generic_list(bank: Bank, places: int = PLACES) -> tuple[Product, ...]:
    """Return what everybody is shown who is not shown their own: in the catalogue's order, offered everywhere, to anybody.

    Investments are left out: whom they suit is a question about a person. So is an invitation to be assessed.
    """
    shelf = shelf_now(bank, system("slot")).all_of(bank.spec.products.values())
    return tuple(one for one in shelf if _is_for_all(one))[:places]


def slot_for(bank: Bank, principal: Principal, customer_no: str, places: int = PLACES) -> Slot:
    """Return the slot of a customer whom the principal may see; opening the customer leaves its row.

    The customer's word comes first: nothing after a stop of all marketing, the generic list without consent to marketing
    or with personalisation closed; else their best offers, and the generic list below them.
    """
    return slot_of(bank, next_offers(bank, principal, customer_no), places)


def slot_of(bank: Bank, found: NextOffers, places: int = PLACES) -> Slot:
    """Return the slot of a customer whose offers are known."""
    customer_no, generic = found.customer_no, generic_list(bank, places)
    with bank.store.begin(system("slot")) as connection:
        content = content_for(standing_of(connection, customer_no).words)
    if content is not Content.PERSONAL:
        return Slot(customer_no, content, (), generic)
    best = [one.product for one in found.offers]
    rest = [one for one in generic if one.key not in {own.key for own in best}]
    return Slot(customer_no, content, tuple([*best, *rest][:places]), generic)


def _is_for_all(product: Product) -> bool:
    where = product.available
    everywhere = where.on and where.branches is None and where.segments is None
    return everywhere and product.is_online and not product.is_investment and product.key != RISK_ASSESSMENT
