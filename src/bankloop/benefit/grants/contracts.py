"""What crosses the door of grants: what is asked for and what comes of it, a grant with its life, a pool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pyarrow as pa

from bankloop.kit.text import Text

BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
STOCK_EXHAUSTED = "STOCK_EXHAUSTED"
# The assets, which are also how the names of their pools' accounts begin: fen of a budget, pieces of a benefit.
BUDGET, STOCK = "budget", "stock"

GRANT_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("customer_no", pa.string(), nullable=False),
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("benefit", pa.string(), nullable=False),
        pa.field("reserved_fen", pa.int64(), nullable=False),
        pa.field("budget", pa.string(), nullable=False),  # the pool of money it is taken from, '' for none
        pa.field("expires_on", pa.date32()),  # its last day; null: it never ends
    ]
)
GRANT_OUTCOME_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("granted", pa.bool_(), nullable=False),
        pa.field("refused_by", pa.string(), nullable=False),  # '', BUDGET_EXHAUSTED or STOCK_EXHAUSTED
    ]
)


class GrantLife(StrEnum):
    """Where a grant stands: refused, given and not yet redeemed, redeemed, given back, past its day."""

    REFUSED = "refused"
    ISSUED = "issued"
    REDEEMED = "redeemed"
    RETURNED = "returned"
    EXPIRED = "expired"

    @property
    def called(self) -> Text:
        """How people call it."""
        return _LIVES[self]


_LIVES = {
    GrantLife.REFUSED: Text("未发放", "refused"),
    GrantLife.ISSUED: Text("已发放", "issued"),
    GrantLife.REDEEMED: Text("已核销", "redeemed"),
    GrantLife.RETURNED: Text("已退回", "returned"),
    GrantLife.EXPIRED: Text("已过期", "expired"),
}


@dataclass(frozen=True, slots=True)
class BenefitGrant:
    """A grant as it stands; its life is what the ledger says of what it set aside."""

    decision_id: str
    customer_no: str
    benefit: str
    reserved_fen: int
    refused_by: str
    life: GrantLife
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class GrantPool:
    """A budget (fen) or a stock (pieces): what is in it, set aside for grants, spent by redemptions, left."""

    asset: str
    name: str
    approved: int
    committed: int
    spent: int
    limited: bool = True  # what has no limit is filled with what it takes, and never comes to its end

    @property
    def left(self) -> int:
        """What may still be granted of it."""
        return self.approved - self.committed - self.spent

    @property
    def near(self) -> bool:
        """Whether something is left of what it is limited to, and no more than a tenth."""
        return self.limited and 0 < self.left * 10 <= self.approved

    @property
    def used_up(self) -> bool:
        """Whether nothing is left of what it is limited to."""
        return self.limited and self.left <= 0


@dataclass(frozen=True, slots=True)
class BurnDown:
    """How a pool goes: what came back to it, since when it is granted from, and when it is empty if it goes on so."""

    pool: GrantPool
    released: int
    since: date | None
    empty_on: date | None


@dataclass(frozen=True, slots=True)
class PoolAccounts:
    """A pool's three accounts: where it is filled from, what is left of it, what was redeemed."""

    source: str
    left: str
    spent: str

    @property
    def names(self) -> tuple[str, str, str]:
        """All three of them."""
        return self.source, self.left, self.spent


# Why a pool is filled: to its limit, or, without one, with what is taken of it.
LIMIT, TAKEN = "limit", "taken"


def accounts_of(asset: str, name: str) -> PoolAccounts:
    """Return the accounts of a pool."""
    return PoolAccounts(*(f"{asset}/{part}/{name}" for part in ("approved", "left", "spent")))


def request_of(decision_id: str) -> str:
    """Return the ledger's request that a grant stands for."""
    return f"grant:{decision_id}"
