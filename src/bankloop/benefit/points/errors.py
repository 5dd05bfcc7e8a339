"""The refusals of points, each with its cure in both languages."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, InputError, NotFoundError, SpecError
from bankloop.kit.text import Text


def bad_file(place: str, key: str, zh: str, en: str) -> SpecError:
    """Return the refusal of a points.yaml."""
    why = Text(zh, en)
    return SpecError(
        "points.file", Text("{key}：{why}（{place}）", "{key}: {why} ({place})"), key=key, why=why, place=place
    )


def bad_number(number: object) -> InputError:
    """Return the refusal of a number of points that is none."""
    return InputError(
        "points.number",
        Text(
            "“{number}”不是可用的积分数；请写 1 到十亿的整数",
            "'{number}' is no number of points; write a whole number from 1 to 1,000,000,000",
        ),
        number=f"{number}"[:32],
    )


def bad_words(field: str) -> InputError:
    """Return the refusal of a key or a reason that says nothing."""
    return InputError(
        "points.words",
        Text("请填写{field}，1 到 200 字", "say the {field}, in 1 to 200 characters"),
        field=field,
    )


def too_few(available: int, wanted: int) -> ConflictError:
    """Return the refusal of a spending above what there is."""
    return ConflictError(
        "points.too_few",
        Text(
            "可用积分 {available}，不足 {wanted}；没有扣减，请改小或等待到账",
            "{available} points may be spent, fewer than {wanted}; nothing was taken: ask for less, or wait for more",
        ),
        available=available,
        wanted=wanted,
    )


def no_spend(spend: str) -> NotFoundError:
    """Return the refusal of a spending that is not there."""
    return NotFoundError(
        "points.no_spend",
        Text(
            "没有编号为 {spend} 的积分消费；bankloop points show 列出客户的消费",
            "there is no spending {spend}; bankloop points show lists a customer's",
        ),
        spend=spend[:64],
    )


def no_lot(lot: str) -> NotFoundError:
    """Return the refusal of an earning that is not there."""
    return NotFoundError(
        "points.no_lot",
        Text(
            "没有编号为 {lot} 的积分入账；bankloop points show 列出客户的入账",
            "there is no earning {lot}; bankloop points show lists a customer's",
        ),
        lot=lot[:64],
    )


def given_back(left: int) -> ConflictError:
    """Return the refusal to give back more than was spent."""
    return ConflictError(
        "points.given_back",
        Text(
            "这笔消费只剩 {left} 分可退；请改小",
            "only {left} points of this spending are left to be given back: ask for fewer",
        ),
        left=left,
    )


def not_earned(lot: str) -> ConflictError:
    """Return the refusal to take back what ended already."""
    return ConflictError(
        "points.not_earned",
        Text(
            "入账 {lot} 已经过期或收回，没有可收回的积分",
            "the earning {lot} has expired or was taken back already: nothing is left to take back",
        ),
        lot=lot[:64],
    )


def other_content(key: str) -> ConflictError:
    """Return the refusal of a key that stands for something else."""
    return ConflictError(
        "points.other_content",
        Text(
            "编号 {key} 已经用于另一笔，没有重复记账；请换一个编号",
            "the key {key} stands for something else, and nothing was done: use another one",
        ),
        key=key[:64],
    )
