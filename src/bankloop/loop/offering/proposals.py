"""A bundle proposed to one customer, and to their company in the same proposal: every leg with its own result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow.compute as pc

from bankloop.customer.relation import tied_numbers
from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.offering.shelf import known_product, shelf_now
from bankloop.loop.product import STUDENT, LegRuling, propose
from bankloop.organization.people import BusinessLine, keeper_of
from bankloop.organization.rights import open_customer
from bankloop.store.contracts import Principal
from bankloop.store.database import bank_wide


def proposal(
    bank: Bank, principal: Principal, key: str, customer_no: str, company_no: str = ""
) -> tuple[LegRuling, ...]:
    """Return a bundle, or a product alone, for one customer: every leg with its own result, as the shelf is now.

    With a company of theirs the corporate legs are the company's, all in one proposal. Opening the customer takes the
    right to, and is an access row; a leg takes the right to its line of business. Raises ``NotFoundError`` for a
    company to which no stated relation leads.
    """
    product = known_product(bank, key)
    open_customer(bank.store, bank.lake, principal, customer_no)
    if company_no and company_no not in _companies(bank, principal, customer_no):
        raise NotFoundError(
            "shelf.no_company",
            Text(
                "没有关系把这位客户与企业 {company} 相连；请从客户页的“同时由其他条线服务”里选择",
                "no relation leads from this customer to the company {company}; choose one that their page names",
            ),
            company=company_no[:64],
        )
    shelf = shelf_now(bank, principal)
    products = {one.key: one for one in shelf.all_of(bank.spec.products.values())}
    people = bank.state(bank.lake.today() - timedelta(days=1)).table
    rows = people.filter(pc.equal(people["customer_no"], bank.lead_of(customer_no))).to_pylist()
    row: Mapping[str, Any] = rows[0] if rows else {}
    assessed = (row.get("risk_tolerance"), row.get("days_since_risk_assessment"))
    legs = propose(product, products, *assessed, principal.lines, age=row.get("age"), student=row.get(STUDENT))
    for_company = company_no or customer_no
    return tuple(
        replace(leg, party=for_company if leg.product.line == BusinessLine.CORPORATE.value else customer_no)
        for leg in legs
    )


def companies_of(bank: Bank, principal: Principal, customer_no: str) -> tuple[str, ...]:
    """Return the companies that a customer may act for, as stated relations say, whoever keeps them.

    Opening the customer takes the right to, and is an access row.
    """
    open_customer(bank.store, bank.lake, principal, customer_no)
    return _companies(bank, principal, customer_no)


def _companies(bank: Bank, principal: Principal, customer_no: str) -> tuple[str, ...]:
    with bank.store.begin(principal) as connection:
        tied = tied_numbers(bank.lake, [customer_no])
        with bank_wide(connection):
            kept = keeper_of(connection, *tied)
    return tuple(dict.fromkeys(row.customer_no for row in kept if row.line == BusinessLine.CORPORATE))
