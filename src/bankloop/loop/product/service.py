"""Step 3, 配产品: which products are open to which customer, with why and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bankloop.customer.ages import ADULT
from bankloop.kit.expression import Type
from bankloop.loop.product.rules import ASSESSMENT_VALID_DAYS, HIGH_RISK, PROTECTED_AGE, STUDENT, WhyNot
from bankloop.loop.spec import Lock, Product, Segment
from bankloop.loop.spec.batch import Bools, conditions

# The action that names no product: offered to those whom only the missing assessment keeps from investing.
RISK_ASSESSMENT = "risk-assessment"

# What suitability reads: every lock holds them.
ATTRIBUTES_READ = ("risk_tolerance", "days_since_risk_assessment", "age")

_CODES = tuple(WhyNot)
_INDEX = {reason: index for index, reason in enumerate(_CODES)}


@dataclass(frozen=True, slots=True)
class Offers:
    """Which products are open: per product key a code (n,) into ``WhyNot``; 0 is open."""

    code: Mapping[str, NDArray[np.int8]]

    def open(self, product: str) -> Bools:
        """Return (n,) whether the product is open to each customer."""
        return np.asarray(self.code[product] == 0)

    def reason(self, product: str, row: int) -> WhyNot:
        """Return why (or that) a product is open to the customer at ``row``."""
        return _CODES[int(self.code[product][row])]

    def counts(self, product: str) -> dict[WhyNot, int]:
        """Return how many customers fall under each reason."""
        found = np.bincount(self.code[product], minlength=len(_CODES))
        return {reason: int(found[index]) for index, reason in enumerate(_CODES) if found[index]}


def match(lock: Lock, state: pa.Table, types: Mapping[str, Type], as_of: date) -> Offers:
    """Return the offers of a lock's products over the customers in ``state`` (n rows)."""
    code = dict(match_products(lock.products, lock.policies.segments, state, types, as_of).code)
    if RISK_ASSESSMENT in code:
        code[RISK_ASSESSMENT] = _invitation(lock, code, state.num_rows)
    return Offers(code)


def match_products(
    products: Sequence[Product],
    segments: Mapping[str, Segment],
    state: pa.Table,
    types: Mapping[str, Type],
    as_of: date,
) -> Offers:
    """Return which of some products are open to the customers in ``state``, bundles with all their legs among them."""
    texts = {product.key: product.eligible for product in products if product.eligible is not None}
    named = {f"segment:{key}": one.where for key, one in segments.items()}
    met = conditions(state, {**texts, **named}, types, as_of)
    code = {product.key: _code(product, state, met) for product in products}
    for product in products:
        for leg in product.legs:
            code[product.key] = np.where(code[product.key] == 0, code[leg], code[product.key])
    return Offers(code)


def suitability_codes(state: pa.Table, risk: int) -> NDArray[np.int8]:
    """Return the suitability code (n,) of an investment product for the customers in ``state``.

    Equals ``rule_suitability``.
    """
    tolerance, days_ago = numbers(state["risk_tolerance"]), numbers(state["days_since_risk_assessment"])
    code = np.full(len(tolerance), _INDEX[WhyNot.OPEN], np.int8)
    if risk >= HIGH_RISK:
        age = numbers(state["age"])
        code[age >= PROTECTED_AGE] = _INDEX[WhyNot.AGED]
        code[np.isnan(age)] = _INDEX[WhyNot.AGE_UNKNOWN]
    code[~(tolerance >= risk)] = _INDEX[WhyNot.RISK_MISMATCH]
    code[days_ago > ASSESSMENT_VALID_DAYS] = _INDEX[WhyNot.ASSESSMENT_EXPIRED]
    code[np.isnan(tolerance) | ~(days_ago >= 0)] = _INDEX[WhyNot.ASSESSMENT_MISSING]
    return code


def credit_codes(state: pa.Table) -> NDArray[np.int8]:
    """Return the code (n,) of credit for the customers in ``state``. Equals ``rule_credit``."""
    age = numbers(state["age"])
    code = np.full(state.num_rows, _INDEX[WhyNot.OPEN], np.int8)
    if STUDENT in state.column_names:
        code[numbers(state[STUDENT]) == 1] = _INDEX[WhyNot.STUDENT]
    code[age < ADULT] = _INDEX[WhyNot.MINOR]
    code[np.isnan(age)] = _INDEX[WhyNot.AGE_UNKNOWN]
    return code


def _code(product: Product, state: pa.Table, met: Mapping[str, Bools]) -> NDArray[np.int8]:
    code = np.zeros(state.num_rows, np.int8)
    if product.is_investment and product.risk is not None:
        code = suitability_codes(state, product.risk.level)
    if product.key in met:
        code[~met[product.key]] = _INDEX[WhyNot.NOT_ELIGIBLE]
    if product.is_credit:
        ruled = credit_codes(state)
        code = np.where(ruled == _INDEX[WhyNot.OPEN], code, ruled)
    code[~_offered(product, state, met)] = _INDEX[WhyNot.NOT_HERE]
    if not product.available.on:
        code[:] = _INDEX[WhyNot.OFF_SHELF]
    return code


def _offered(product: Product, state: pa.Table, met: Mapping[str, Bools]) -> Bools:
    """Return (n,) who is in a branch and in a segment that the product is offered in; an unknown segment is nobody's."""
    where, offered = product.available, np.ones(state.num_rows, bool)
    if where.branches is not None:
        branches = pa.array(where.branches, pa.string())
        offered &= np.asarray(pc.is_in(state["branch_id"], branches).to_numpy(zero_copy_only=False), dtype=bool)
    if where.segments is not None:
        nobody = np.zeros(state.num_rows, bool)
        offered &= np.any([nobody, *(met.get(f"segment:{key}", nobody) for key in where.segments)], axis=0)
    return offered


def _invitation(lock: Lock, code: Mapping[str, NDArray[np.int8]], n: int) -> NDArray[np.int8]:
    """Open to those for whom every investment product waits for an assessment."""
    waiting = [_INDEX[WhyNot.ASSESSMENT_MISSING], _INDEX[WhyNot.ASSESSMENT_EXPIRED]]
    investments = [product.key for product in lock.products if product.is_investment]
    wait = np.ones(n, bool) if investments else np.zeros(n, bool)
    for key in investments:
        wait &= np.isin(code[key], waiting)
    return np.where(wait, _INDEX[WhyNot.OPEN], _INDEX[WhyNot.NOT_ELIGIBLE]).astype(np.int8)


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a numeric or boolean column as float64 (n,), NULL as NaN."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
