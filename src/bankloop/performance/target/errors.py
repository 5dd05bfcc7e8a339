"""The refusals of targets, each with its cure in both languages."""

from __future__ import annotations

from fractions import Fraction

from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.kit.text import Text


def no_such_target(name: str) -> NotFoundError:
    """Return the error of a target, or of a part of one, that is not there or not for who asks."""
    return NotFoundError(
        "target.none",
        Text("没有这个目标，或不在您的范围内：{name}", "there is no such target, or it is not yours to see: {name}"),
        name=name[:64],
    )


def bad_weight(holder: str, words: str) -> InputError:
    """Return the refusal of a weight that is no number."""
    return InputError(
        "target.weight",
        Text(
            "{holder} 的权重“{words}”不对；请写不小于 0 的数，如 5，或百分比，如 50%",
            "the weight '{words}' of {holder} cannot be used; write a number not below nought such as 5, or a percentage "
            "such as 50%",
        ),
        holder=holder[:64],
        words=words[:32],
    )


def do_not_sum(total: Fraction) -> InputError:
    """Return the refusal of percentages that are not 100 together, or of some that are none."""
    return InputError(
        "target.weights_sum",
        Text(
            "权重百分比合计是 {total}%，应为 100%；请改到 100%，或都写成比例数（如 5、3、1）",
            "the percentages come to {total}%, not 100%; correct them, or write all weights as plain numbers (such as 5, 3, 1)",
        ),
        total=f"{float(total):g}",
    )


def mixed_weights() -> InputError:
    """Return the refusal of percentages beside plain numbers."""
    return InputError(
        "target.weights_mixed",
        Text("权重要么都是百分比，要么都是数；请统一", "weights are all percentages or all plain numbers; choose one"),
    )


def no_weights() -> InputError:
    """Return the refusal of weights that are all nought."""
    return InputError(
        "target.weights_nought",
        Text(
            "权重全为 0，没有可以分给的对象；请至少给一个大于 0",
            "all weights are nought; give at least one above nought",
        ),
    )


def not_below(holder: str, parent: str) -> InputError:
    """Return the refusal of a part for who is not right below."""
    return InputError(
        "target.not_below",
        Text(
            "{holder} 不是 {parent} 的直接下级机构或人员；请逐级分解",
            "{holder} is neither a unit right below {parent} nor one of its people; split a level at a time",
        ),
        holder=holder[:64],
        parent=parent[:64],
    )


def no_capacity(holders: list[str]) -> InputError:
    """Return the refusal of weights on who can do nothing in the time."""
    return InputError(
        "target.no_capacity",
        Text(
            "{holders} 在这段时间没有在岗人手，不能承接；请把权重设为 0，或先配人",
            "{holders} has nobody at work in this time and can take nothing; give a weight of nought, or staff it first",
        ),
        holders=", ".join(holders)[:200],
    )


def over_capacity(total: int, room: int) -> InputError:
    """Return the refusal of more than all below can do together."""
    return InputError(
        "target.over_capacity",
        Text(
            "要分 {total}，下级合计只承接得了 {room}；请减目标、延长时间或增加人手",
            "{total} are to be split and all below can do {room} together; ask for less, give more time or more people",
        ),
        total=f"{total:,}",
        room=f"{room:,}",
    )


def bad_target(why: Text) -> InputError:
    """Return the refusal of a target that says too little or too much."""
    return InputError("target.bad", Text("目标不能这样设：{why}", "a target cannot be like this: {why}"), why=why)


def over(name: str) -> ConflictError:
    """Return the error of splitting a target that has ended."""
    return ConflictError(
        "target.over",
        Text("目标“{name}”已经结束，不能再分解", "the target '{name}' has ended and is not split any more"),
        name=name,
    )


def not_within(person: str, unit: str) -> NotFoundError:
    """Return the error of splitting what another unit has."""
    return NotFoundError(
        "target.not_yours",
        Text("{unit} 的目标不归 {person} 分解", "what {unit} has of the target is not {person}'s to split"),
        unit=unit[:64],
        person=person,
    )
