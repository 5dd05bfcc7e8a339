"""The refusals of credit, each with its cure in both languages."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, InputError
from bankloop.kit.text import Text
from bankloop.performance.credit.contracts import WHOLE


def bad_share(staff: str, words: str) -> InputError:
    """Return the refusal of a share that is none."""
    return InputError(
        "credit.share",
        Text(
            "{staff} 的份额“{words}”不对；请写大于 0、不超过 1 的小数，如 0.6",
            "the share '{words}' of {staff} cannot be used; write a decimal above 0 and at most 1, such as 0.6",
        ),
        staff=staff[:64],
        words=words[:32],
    )


def above_whole(total_ppm: int) -> ConflictError:
    """Return the refusal of shares that come to more than the deal."""
    return ConflictError(
        "credit.above_whole",
        Text(
            "份额合计 {total}，超过 1；一笔业绩各人合计不能多于 1，请改小",
            "the shares come to {total}, more than 1; what is given of one deal is never more than the whole: give less",
        ),
        total=f"{total_ppm / WHOLE:g}",
    )


def bad_deal() -> InputError:
    """Return the refusal of a deal that says too little."""
    return InputError(
        "credit.deal",
        Text(
            "需要成交编号、事项和不小于 0 的金额",
            "it needs a number of the deal, what was sold, and an amount not below nought",
        ),
    )
