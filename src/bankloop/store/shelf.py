"""What happens to the shelf: notices about products, contacts stopped by them, reviews that a product's figures called for.

Appended and never changed, but for a review that is concluded. What a notice means, and whether it was approved, is the
loop's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from bankloop.kit.ids import uuid7
from bankloop.store import tables
from bankloop.store.contracts import ProductReview, ShelfNotice
from bankloop.store.database import now_of, principal_of


def add_notice(
    connection: Connection, approval_id: UUID, product: str, change: Mapping[str, Any], effective_at: datetime
) -> None:
    """Keep a notice beside the request that asks for it; the same request has one notice."""
    values = {
        "approval_id": approval_id,
        "product": product,
        "change": dict(change),
        "effective_at": effective_at,
        "made_by": principal_of(connection).id,
        "recorded_at": now_of(connection),
    }
    connection.execute(upsert(tables.shelf_notice).values(values).on_conflict_do_nothing())


def read_notices(connection: Connection) -> list[ShelfNotice]:
    """Return all notices, the oldest first."""
    t = tables.shelf_notice.c
    query = select(t.approval_id, t.product, t.change, t.effective_at, t.made_by, t.recorded_at)
    return [ShelfNotice(*row) for row in connection.execute(query.order_by(t.recorded_at, t.approval_id))]


def open_review(connection: Connection, product: str, trigger: str, measured: int, limit: int) -> bool:
    """Open a review of a product; return whether it is new, as one trigger has one open review. Values are ppm."""
    values = {
        "review_id": uuid7(int(now_of(connection).timestamp() * 1000)),
        "product": product,
        "trigger": trigger,
        "measured_ppm": measured,
        "limit_ppm": limit,
        "opened_at": now_of(connection),
    }
    made = (
        upsert(tables.product_review).values(values).on_conflict_do_nothing().returning(tables.product_review.c.product)
    )
    return connection.scalar(made) is not None


def conclude_review(connection: Connection, review_id: UUID, outcome: str) -> bool:
    """Close a review with what came of it; return whether it was open."""
    t = tables.product_review
    done = connection.execute(
        update(t)
        .where(t.c.review_id == review_id, t.c.closed_at.is_(None))
        .values(closed_at=now_of(connection), closed_by=principal_of(connection).id, outcome=outcome)
    )
    return done.rowcount == 1


def read_reviews(connection: Connection, product: str | None = None) -> list[ProductReview]:
    """Return the reviews, of one product where given, the newest first."""
    t = tables.product_review.c
    query = select(
        t.review_id, t.product, t.trigger, t.measured_ppm, t.limit_ppm, t.opened_at, t.closed_at, t.closed_by, t.outcome
    ).order_by(t.opened_at.desc(), t.review_id.desc())
    if product is not None:
        query = query.where(t.product == product)
    return [ProductReview(*row) for row in connection.execute(query)]
