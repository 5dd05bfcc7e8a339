"""What can be wrong with a plan's problem, each with its cure."""

from __future__ import annotations

from bankloop.kit.errors import InputError
from bankloop.kit.text import Text


def bad_value(row: int, column: int) -> InputError:
    """Return the refusal of a value that is no number, or too large to be added up to the fen."""
    return InputError(
        "plan.value",
        Text(
            "第 {row} 位客户第 {column} 个动作的价值不是有限数，或大到无法精确到分；检查评分和毛利",
            "the value of action {column} for customer {row} is not finite, or too large to add up to the fen; check scores and margins",
        ),
        row=row,
        column=column,
    )


def bad_resource(name: str) -> InputError:
    """Return the refusal of uses, limits or floors that are negative or no numbers, or not one use per action."""
    return InputError(
        "plan.resource",
        Text(
            "资源 {name} 的用量、上限或下限为负或不是数，或与动作数不符；请更正",
            "resource {name} has a use, limit or floor that is negative or no number, or not one use per action; correct it",
        ),
        name=name,
    )


def bad_group(name: str) -> InputError:
    """Return the refusal of customers who belong to no pool of a resource."""
    return InputError(
        "plan.group",
        Text(
            "资源 {name} 的分组与客户不符：每位客户要有一个组，组号要在上限之内；请检查网点或客群",
            "the groups of resource {name} do not fit the customers: each needs one, within the limits given; check branches or segments",
        ),
        name=name,
    )


def bad_shape() -> InputError:
    """Return the refusal of values that are no table of customers by actions."""
    return InputError("plan.shape", Text("价值须为客户 × 动作的表", "values must be a table of customers by actions"))


def bad_prices() -> InputError:
    """Return the refusal of prices to start from that are not those of these resources."""
    return InputError(
        "plan.prices",
        Text(
            "起始价格与资源不符；请用同样资源的方案，或从头求解",
            "the prices to start from do not fit the resources; take those of a plan with the same resources, or none",
        ),
    )


def bad_rules() -> InputError:
    """Return the refusal of rules between actions that cannot be planned with."""
    return InputError(
        "plan.rules",
        Text(
            "每位客户的规则与动作不符、允许的组合太多，或同时要求下限；请检查位置、互斥和前置",
            "the rules for one customer do not fit the actions, allow too many combinations, or come with floors; check placements, exclusions and prerequisites",
        ),
    )


def floors_and_several() -> InputError:
    """Return the refusal of floors in a plan that may give one customer several campaigns."""
    return InputError(
        "plan.floors_and_several",
        Text(
            "一位客户可进多个战役时不支持下限（at_least）；请删去下限，或把 plan.per_customer 设为 1",
            "floors (at_least) are not taken where a customer may get several campaigns; remove them, or set plan.per_customer to 1",
        ),
    )


def own_use_and_several(name: str) -> InputError:
    """Return the refusal of a use that differs by customer in a plan that may give one customer several campaigns."""
    return InputError(
        "plan.own_use_and_several",
        Text(
            "资源 {name} 按客户计用量，一位客户可进多个战役时不支持；请删去配额的 use 与 volume，或把 plan.per_customer 设为 1",
            "resource {name} is used by each customer's own amount, which several campaigns a customer do not allow; "
            "remove the quota's use and volume, or set plan.per_customer to 1",
        ),
        name=name,
    )


def customer_twice(rows: int) -> InputError:
    """Return the refusal of customers who appear more than once: each would be given two actions."""
    return InputError(
        "plan.customer_twice",
        Text(
            "有 {rows} 行是重复客户；请先合并客户记录再做方案",
            "{rows} rows repeat a customer; merge the records before planning",
        ),
        rows=rows,
    )
