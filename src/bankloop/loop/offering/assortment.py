"""How the shelf does: a scorecard of every product with the reviews it calls for, and who holds what by segment.

Figures are read from the lake and from the customers' state as they are today; a figure that the bank cannot know yet is
None and never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.product import WhyNot, suitability_codes
from bankloop.loop.spec import Policies, Product
from bankloop.loop.spec.batch import conditions
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.shelf import conclude_review, open_review
from bankloop.store.verbs import verb

SALES_DAYS = 365
# Who holds it a month later has not bought it by mistake, and lake versions are rarely nearer to each other.
RETENTION_DAYS = 30
# The lake's classes of holdings that a product without codes of its own stands for.
CLASSES: Mapping[str, tuple[str, ...]] = {
    "deposit": ("term_deposit",),
    "wealth": ("wealth",),
    "fund": ("fund",),
    "insurance": ("insurance",),
    "loan": ("consumer_loan", "mortgage"),
    "card": ("credit_card",),
    "payment": ("debit_card",),
}
CLASS_TITLES: Mapping[str, Text] = {
    "term_deposit": Text("定期", "Term deposit"),
    "wealth": Text("理财", "Wealth"),
    "fund": Text("基金", "Fund"),
    "insurance": Text("保险", "Insurance"),
    "credit_card": Text("信用卡", "Credit card"),
    "mortgage": Text("房贷", "Mortgage"),
    "consumer_loan": Text("消费贷", "Consumer loan"),
    "debit_card": Text("借记卡", "Debit card"),
}


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One product's figures: rates in ppm, money in fen; None where it cannot be known yet.

    ``complaints`` is the share of the buyers of twelve months who complained since they bought, ``retention`` the share
    of holdings of a month ago that are still there, ``blocked`` how many customers suitability keeps from it, by reason.
    """

    product: str
    sales: int
    buyers: int
    holders: int
    balance: int
    margin: int
    complaints: int | None
    retention: int | None
    blocked: Mapping[WhyNot, int]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A figure beyond its limit, both in ppm."""

    product: str
    name: str
    measured: int
    limit: int


@dataclass(frozen=True, slots=True)
class Penetration:
    """How many of a segment hold a class of product, beside everybody else: ppm; ``gap`` is theirs less the peers'."""

    segment: str
    product_class: str
    customers: int
    share: int
    peers: int

    @property
    def gap(self) -> int:
        """Return the segment's share less that of its peers, ppm."""
        return self.share - self.peers


def scorecards(bank: Bank) -> tuple[Scorecard, ...]:
    """Return the figures of every product of the bank's files as they are today."""
    today = bank.lake.today()
    people = bank.state(today - timedelta(days=1)).table
    versions = bank.lake.manifest.versions("holding")
    older = [v for v in versions[:-1] if v.as_of <= today - timedelta(days=RETENTION_DAYS)]
    before = bank.lake.reading(older[-1]) if older else None
    with bank.persons("scorecard") as engine:
        return tuple(_scorecard(engine, product, today, people, before) for product in bank.spec.products.values())


def due_reviews(cards: Sequence[Scorecard], policies: Policies) -> tuple[Trigger, ...]:
    """Return which figures are beyond the limits of the policies; what is not known triggers nothing."""
    limits, found = policies.review, []
    for card in cards:
        if card.complaints is not None and card.complaints > limits.complaints:
            found.append(Trigger(card.product, "complaints", card.complaints, limits.complaints))
        if card.retention is not None and card.retention < limits.retention:
            found.append(Trigger(card.product, "retention", card.retention, limits.retention))
    return tuple(found)


@verb("product.review")
def review_products(bank: Bank, principal: Principal, cards: Sequence[Scorecard] | None = None) -> tuple[Trigger, ...]:
    """Open a review for every figure beyond its limit and return the new ones; a trigger has one open review."""
    due = due_reviews(scorecards(bank) if cards is None else cards, bank.spec.policies)
    with bank.store.begin(principal) as connection:
        new = tuple(t for t in due if open_review(connection, t.product, t.name, t.measured, t.limit))
        opened = [{"product": t.product, "trigger": t.name, "measured": t.measured, "limit": t.limit} for t in new]
        record_audit(connection, "product.review", "shelf", "products", None, {"opened": opened})
    return new


@verb("product.conclude")
def conclude(bank: Bank, principal: Principal, review_id: UUID, outcome: str) -> None:
    """Close a review with what came of it; raise ``NotFoundError`` where none is open."""
    with bank.store.begin(principal) as connection:
        if not conclude_review(connection, review_id, outcome):
            raise NotFoundError(
                "shelf.no_review",
                Text("没有这个待办的产品复核：{review}", "there is no open review {review}"),
                review=str(review_id),
            )
        record_audit(connection, "product.conclude", "review", str(review_id), None, {"outcome": outcome}, outcome)


def product_matrix(bank: Bank) -> tuple[Penetration, ...]:
    """Return, for every segment of the policies and class of product, the penetration beside that of the peers."""
    today = bank.lake.today()
    people = bank.state(today - timedelta(days=1)).table
    texts = {key: segment.where for key, segment in bank.spec.policies.segments.items()}
    members = conditions(people, texts, bank.catalogue.types, today - timedelta(days=1))
    with bank.persons("product matrix") as connection:
        rows = connection.sql("SELECT DISTINCT customer_no, product_class FROM holding").to_arrow_table()
    return penetrations(people["customer_no"], members, rows)


def penetrations(
    customers: pa.ChunkedArray, members: Mapping[str, np.ndarray], holdings: pa.Table
) -> tuple[Penetration, ...]:
    """Return penetrations of ``holdings`` (customer_no, product_class) among ``customers`` by segment (n,)."""
    import pyarrow.compute as pc

    found = []
    for kind in CLASSES_SHOWN:
        holders = holdings.filter(pc.equal(holdings["product_class"], kind))["customer_no"].combine_chunks()
        holds = np.asarray(pc.is_in(customers, holders).to_numpy(zero_copy_only=False), bool)
        for segment, member in members.items():
            found.append(Penetration(segment, kind, int(member.sum()), _ppm(holds[member]), _ppm(holds[~member])))
    return tuple(found)


CLASSES_SHOWN = tuple(CLASS_TITLES)


def class_title(kind: str) -> Text:
    """Return a class of holdings as people name it."""
    return CLASS_TITLES[kind]


def _ppm(mask: np.ndarray) -> int:
    return round(float(mask.mean()) * 1_000_000) if len(mask) else 0


def _scorecard(
    engine: duckdb.DuckDBPyConnection, product: Product, today: date, people: pa.Table, before: str | None
) -> Scorecard:
    """Return a product's figures; ``before`` is how a month-old version of holdings is read, if there is one."""
    mine = _mine(product)
    since = today - timedelta(days=SALES_DAYS)
    now = engine.execute(
        f"SELECT count(*) FILTER (opened_on > $since) AS sales, count(DISTINCT customer_no) AS holders, "
        f"coalesce(sum(balance_fen), 0)::hugeint AS balance FROM holding WHERE {mine}", {"since": since},
    ).fetchone()  # fmt: skip
    bought = engine.execute(
        "SELECT count(DISTINCT h.customer_no), count(DISTINCT h.customer_no) FILTER (c.complaint_on >= h.opened_on) "
        f"FROM holding h JOIN customer c USING (customer_no) WHERE h.opened_on > $since AND {mine}", {"since": since},
    ).fetchone()  # fmt: skip
    assert now is not None
    assert bought is not None
    balance = int(now[2])
    return Scorecard(
        product.key, int(now[0]), int(bought[0]), int(now[1]), balance, balance * product.margin // 1_000_000,
        round(bought[1] / bought[0] * 1_000_000) if bought[0] else None,
        _retention(engine, mine, before) if before else None, _blocked(product, people),
    )  # fmt: skip


def _mine(product: Product) -> str:
    """Return the condition on holdings of a product; keys and codes are the bank's own files', quoted all the same."""
    column, names = ("product_id", product.codes) if product.codes else ("product_class", CLASSES.get(product.product_class, ()))  # fmt: skip
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return f"{column} IN ({listed})" if listed else "false"


def _retention(engine: duckdb.DuckDBPyConnection, mine: str, before: str) -> int | None:
    """Return the share of a month-old version's holdings that are still there; None of none."""
    found = engine.execute(
        f"SELECT count(*), count(h.holding_id) FROM (SELECT holding_id FROM {before} WHERE {mine}) "
        "LEFT JOIN (SELECT holding_id FROM holding) h USING (holding_id)"
    ).fetchone()
    return round(1_000_000 * int(found[1]) / int(found[0])) if found and found[0] else None


def _blocked(product: Product, people: pa.Table) -> dict[WhyNot, int]:
    if not product.is_investment or product.risk is None:
        return {}
    codes = suitability_codes(people, product.risk.level)
    counts = np.bincount(codes, minlength=len(WhyNot))
    return {why: int(counts[at]) for at, why in enumerate(WhyNot) if counts[at] and why is not WhyNot.OPEN}
