"""Grants of benefits (权益发放): money of a budget and a piece of a stock set aside, then redeemed, returned or expired.

What a pool has and what of it is used is on the ledger alone; a grant's document points there by its own number.
"""

from bankloop.benefit.grants.contracts import (
    BUDGET,
    BUDGET_EXHAUSTED,
    GRANT_OUTCOME_SCHEMA,
    GRANT_SCHEMA,
    STOCK,
    STOCK_EXHAUSTED,
    BenefitGrant,
    BurnDown,
    GrantLife,
    GrantPool,
)
from bankloop.benefit.grants.reading import burn_downs, grant_of, pool_of, pools
from bankloop.benefit.grants.service import expire_grants, grant_benefits, redeem_grant, return_grant, return_unused

__all__ = [
    "BUDGET",
    "BUDGET_EXHAUSTED",
    "GRANT_OUTCOME_SCHEMA",
    "GRANT_SCHEMA",
    "STOCK",
    "STOCK_EXHAUSTED",
    "BenefitGrant",
    "BurnDown",
    "GrantLife",
    "GrantPool",
    "burn_downs",
    "expire_grants",
    "grant_benefits",
    "grant_of",
    "pool_of",
    "pools",
    "redeem_grant",
    "return_grant",
    "return_unused",
]
