"""The editor of bundles: legs chosen from the shelf, the rating that comes of them, asked for and approved."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.loop.offering.bundles import BundleDraft, bundle_as_asked, draft_of, submit_bundle
from bankloop.loop.offering.shelf import known_product, shelf_of
from bankloop.loop.spec import Product
from bankloop.organization.rights import require
from bankloop.report.shelf import PRODUCT_LINES, shelf_table
from bankloop.web.shell.forms import Acting, Form, Here
from bankloop.web.shell.rendering import console_of, page
from bankloop.web.shell.visitor import Visitor

_LEG = "leg:"


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/bundles")
    def new(request: Request, visitor: Here) -> Response:
        return _editor(request, visitor, BundleDraft("", Text("", ""), "retail", (), ""))

    @app.get("/bundles/{key}")
    def one(request: Request, key: str, visitor: Here) -> Response:
        require(visitor.principal, "bundle.read")
        return _editor(request, visitor, draft_of(known_product(console_of(request).bank, key)))

    @app.post("/bundles")
    def ask(request: Request, form: Form, visitor: Acting) -> Response:
        bank, draft = console_of(request).bank, _draft(form)
        try:
            if form.get("act") == "ask":
                made = submit_bundle(bank, visitor.principal, draft, form.get("reason", "").strip())
                return RedirectResponse(f"/approvals/{made}", 303)
            asked = bundle_as_asked(bank, draft)
        except BankloopError as error:
            return _editor(request, visitor, draft, error=error, reason=form.get("reason", ""))
        return _editor(request, visitor, draft, asked, reason=form.get("reason", ""))


def _draft(form: Mapping[str, str]) -> BundleDraft:
    return BundleDraft(
        form.get("key", "").strip(),
        Text(form.get("zh", ""), form.get("en", "")),
        form.get("line", "retail"),
        tuple(name.removeprefix(_LEG) for name in form if name.startswith(_LEG)),
        form.get("worth", ""),
        form.get("eligible", ""),
    )


def _editor(
    request: Request,
    visitor: Visitor,
    draft: BundleDraft,
    asked: Product | None = None,
    error: BankloopError | None = None,
    reason: str = "",
) -> Response:
    require(visitor.principal, "bundle.read")
    bank = console_of(request).bank
    with bank.store.begin(visitor.principal) as connection:
        shelf = shelf_of(connection)
    products = bank.spec.products
    legs = [products[leg] for leg in draft.legs if leg in products]
    return page(
        request,
        "bundle.html",
        error.http_status if error else 200,
        at="products",
        draft=draft,
        error=error,
        asked=asked,
        reason=reason,
        single=[one for one in shelf.all_of(products.values()) if not one.legs],
        bundles=[one for one in shelf.all_of(products.values()) if one.legs],
        known=draft.key in products,
        legs=shelf_table(legs, shelf, bank.spec.policies) if legs else None,
        lines=PRODUCT_LINES,
    )
