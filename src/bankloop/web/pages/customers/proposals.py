"""One proposal for an owner and their company: every leg of a bundle with whom it is for and its own result."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from bankloop.loop.offering.proposals import companies_of, proposal
from bankloop.organization.rights import require
from bankloop.report.shelf import proposal_table
from bankloop.web.shell.console import masked
from bankloop.web.shell.forms import Here
from bankloop.web.shell.rendering import console_of, page


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/customers/{customer_no}/proposal")
    def proposed(
        request: Request, customer_no: str, visitor: Here, bundle: str = "", company: str = ""
    ) -> HTMLResponse:
        for right in ("customer.read", "consent.read", "product.read"):
            require(visitor.principal, right)
        bank, number = console_of(request).bank, customer_no[:64]
        bundles = {key: one.title.text for key, one in bank.spec.products.items() if one.legs}
        found = None
        if bundle:
            legs = proposal(bank, visitor.principal, bundle, number, company[:64])
            found = proposal_table(legs, bank.spec.products[bundle].title.text)
        return page(
            request,
            "proposal.html",
            at="customers",
            number=number,
            masked=masked(number),
            masked_number=masked,
            bundles=bundles,
            companies=companies_of(bank, visitor.principal, number),
            bundle=bundle,
            company=company,
            table=found,
        )
