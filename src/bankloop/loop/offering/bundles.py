"""Bundles put together on the shelf's page: their legs, what they are worth and whom they are for, approved by another.

A bundle carries the highest rating of its legs, whatever anybody writes. It is asked for as it will stand in
``products.yaml``; once another person has consented the file is written, everything else in it left as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.kit.entries import with_entry
from bankloop.kit.errors import InputError
from bankloop.kit.ids import digest
from bankloop.kit.located import nearest_said, read_located
from bankloop.kit.money import parse_money
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.spec import Product, read_shelf
from bankloop.organization.approval import Approval, Demand, Effects, Limits, have_effect, submit_approval
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.verbs import verb

KIND = "bundle"
FILE = "products.yaml"
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext(:key))")
_NO_START = Demand(limits=Limits(start_days=0))


@dataclass(frozen=True, slots=True)
class BundleDraft:
    """A bundle as somebody puts it together.

    ``worth`` is what one success brings over twelve months, as a file writes money ('180 CNY'); ``eligible`` a
    condition beside those of the legs, empty where there is none.
    """

    key: str
    title: Text
    line: str
    legs: tuple[str, ...]
    worth: str
    eligible: str = ""


def draft_of(product: Product) -> BundleDraft:
    """Return a bundle of the shelf as its editor has it before them."""
    fixed = product.contribution.fixed
    worth = f"{fixed // 100}" if fixed % 100 == 0 else f"{fixed // 100}.{fixed % 100:02d}"
    return BundleDraft(
        product.key, product.title.text, product.line, product.legs, f"{worth} CNY", product.eligible or ""
    )


def bundle_as_asked(bank: Bank, draft: BundleDraft) -> Product:
    """Return the bundle as it would stand on the shelf, with the highest rating of its legs.

    Raises ``InputError`` for what is no bundle, ``SpecError`` or ``ExpressionError`` for what the file would not hold.
    """
    _check(bank, draft)
    with _drafted(bank, draft) as (shelf, _):
        return shelf[draft.key]


@verb("bundle.submit")
def submit_bundle(bank: Bank, maker: Principal, draft: BundleDraft, reason: str = "") -> UUID:
    """Ask that a bundle stand on the shelf as it is put together; the same one is asked for once."""
    asked = bundle_as_asked(bank, draft)
    content = _content(draft)
    with bank.store.begin(maker) as connection:
        request = submit_approval(
            connection,
            KIND,
            draft.key,
            digest({**content, "rating": asked.risk.model_dump(mode="json") if asked.risk else None}),
            demand=_NO_START,
            effect=_facts(bank, asked),
            content=content,
            reason=reason,
        )
        record_audit(connection, "bundle.submit", KIND, draft.key, None, content, reason)
    return request


def _check(bank: Bank, draft: BundleDraft) -> None:
    products = bank.spec.products
    known = products.get(draft.key)
    if known is not None and not known.legs:
        raise InputError(
            "bundle.is_a_product",
            Text(
                "{key} 是单个产品，不是组合；请另取一个名称",
                "{key} is a product of its own, no bundle; choose another name",
            ),
            key=draft.key,
        )
    for leg in draft.legs:
        if leg not in products or products[leg].legs:
            single = [key for key, one in products.items() if not one.legs]
            raise InputError(
                "bundle.leg",
                Text(
                    "组合的 {leg} 不是货架上的单个产品；{cure}",
                    "the leg {leg} is no single product of the shelf; {cure}",
                ),
                leg=leg[:64],
                cure=nearest_said(leg, single, Text("请从货架上选", "choose from the shelf")),
            )
    if len(set(draft.legs)) < max(2, len(draft.legs)):
        raise InputError(
            "bundle.legs",
            Text("组合由至少两个不同的产品组成", "a bundle is made of at least two different products"),
        )
    if not draft.title.zh.strip() or not draft.title.en.strip():
        raise InputError(
            "bundle.title",
            Text("组合须有中文和英文名称", "a bundle has a title in Chinese and in English"),
        )
    parse_money(draft.worth)


def _content(draft: BundleDraft) -> dict[str, Any]:
    return {
        "title": {"zh": draft.title.zh.strip(), "en": draft.title.en.strip()},
        "line": draft.line,
        "legs": list(draft.legs),
        "worth": draft.worth.strip(),
        "eligible": draft.eligible.strip(),
    }


def _asked(key: str, content: Mapping[str, Any]) -> BundleDraft:
    return BundleDraft(
        key,
        Text(content["title"]["zh"], content["title"]["en"]),
        content["line"],
        tuple(content["legs"]),
        content["worth"],
        content["eligible"],
    )


def _facts(bank: Bank, asked: Product) -> dict[str, Any]:
    """What the checker sees beside the content: the rating that comes of it, and what each leg asks of a customer."""
    products = bank.spec.products
    legs = [products[leg] for leg in asked.legs]
    rating = "—" if asked.risk is None else f"R{asked.risk.level}"
    conditions = "; ".join(f"{one.key}: {one.eligible}" for one in legs if one.eligible) or "—"
    return {
        "rating": {
            "zh": "组合的风险等级（取最高一腿）",
            "en": "rating of the bundle (the highest leg)",
            "value": rating,
        },
        "legs": {"zh": "各腿自己的条件", "en": "what each leg asks of a customer", "value": conditions},
    }


@contextmanager
def _drafted(bank: Bank, draft: BundleDraft) -> Iterator[tuple[Mapping[str, Product], Path]]:
    """Give the shelf as it would be with a bundle, and the file that says so, beside the bank's own."""
    place = bank.folder / FILE
    located = read_located(place)
    before: Mapping[str, Any] = next((one for one in located.content["products"] if one.get("key") == draft.key), {})
    written = with_entry(located, place.read_text(encoding="utf-8-sig"), "products", "key", _entry(draft, before))
    with TemporaryDirectory(prefix=".edit-", dir=bank.folder) as room:
        made = Path(room) / FILE
        with made.open("w", encoding="utf-8", newline="\n") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        yield read_shelf(made, bank.spec, bank.catalogue.open_types), made


def _entry(draft: BundleDraft, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bundle's entry of the file: what the editor does not show of one that is there already stays."""
    content = _content(draft)
    entry = {
        "key": draft.key,
        "title": content["title"],
        "line": draft.line,
        "class": "bundle",
        "legs": content["legs"],
        "eligible": content["eligible"],
        **{key: value for key, value in before.items() if key not in (*_SHOWN, "contribution")},
        "contribution": {**before.get("contribution", {}), "fixed": content["worth"]},
    }
    return {key: value for key, value in entry.items() if value != ""}


_SHOWN: Sequence[str] = ("key", "title", "line", "class", "legs", "eligible")


@verb("bundle.write")
def _write(bank: Bank, connection: Connection, request: Approval) -> None:
    """Put an approved bundle into the file; twice is once."""
    connection.execute(_ALONE, {"key": f"bank-file:{FILE}"})
    draft = _asked(request.object_id, request.content or {})
    with _drafted(bank, draft) as (_, made):
        record_audit(connection, "bundle.write", KIND, draft.key, None, _content(draft))
        os.replace(made, bank.folder / FILE)
    vars(bank).pop("spec", None)  # read anew from the files


have_effect(
    KIND,
    Effects(
        Text("组合写入 products.yaml，从此在货架上", "the bundle is written into products.yaml and is on the shelf"),
        later=_write,
    ),
)
