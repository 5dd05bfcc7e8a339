"""The gate of each of a round's eight steps: what it asks, whose it is, whether it is open, who opened it.

A gate opens only behind the ones before it. What they rest on (an approved lock, a shelf, a reading) is enforced where
it happens; here it is put together, so that everybody sees whom a campaign waits for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from bankloop.kit.text import Text
from bankloop.organization.approval import Act, Approval, Stage


@dataclass(frozen=True, slots=True)
class StepGate:
    """One gate: ``owner`` is the role that answers for it, ``by`` who opened it, and ``waits`` what it still wants."""

    step: str
    owner: str
    asks: Text
    open: bool
    waits: Text | None = None
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the gates of a round are judged by.

    ``parts`` are the campaign's own approvals that the policies ask for, each with whether it stands; ``off_shelf`` its
    products that are not offered now. ``request`` and ``acts`` are of the campaign's approval.
    """

    champion: bool
    model_by: str
    request: Approval | None
    acts: Sequence[Act]
    locked: bool
    off_shelf: Sequence[str]
    parts: Mapping[str, bool]
    done: frozenset[str]


# Who answers for each step, and what its gate asks.
_ASKED: Mapping[str, tuple[str, Text]] = {
    "model": ("data_scientist", Text("有获批的现役模型", "a model approved and in force")),
    "audience": ("hq_strategist", Text("定义锁定，排除逐条相符", "the definition locked, every exclusion counted")),
    "product": ("product_manager", Text("产品都在架、适当性可判", "every product on the shelf, suitability judged")),
    "benefit": (
        "benefit_owner",
        Text("权益与预算合规，要求单独批准的已批", "benefits and budget within rule, approved where asked for"),
    ),
    "script": (
        "compliance_reviewer",
        Text("话术无禁用语，消保意见为同意", "wording clean, the consumer-protection opinion positive"),
    ),
    "reach": ("hq_approver", Text("整个战役逐级批准后才能执行", "nothing runs before every consent is given")),
    "evaluate": (
        "data_scientist",
        Text("本轮已执行，标签到期后读数", "the round has run and was read when its labels were due"),
    ),
    "optimize": (
        "hq_strategist",
        Text(
            "挑战者比较后由另一人晋升，或结束本轮", "a challenger compared and promoted by another, or the round closed"
        ),
    ),
}
GATES = tuple(_ASKED)


def gates_of(facts: GateFacts) -> tuple[StepGate, ...]:
    """Return the gates of a round in their order; behind one that is shut none stands open."""
    judged = [_judge(step, facts) for step in GATES]
    passed: Iterator[bool] = accumulate((waits is None for waits, _, _ in judged), bool.__and__)
    return tuple(
        StepGate(step, *_ASKED[step], opened, waits, by if opened else "", at if opened else None)
        for step, opened, (waits, by, at) in zip(GATES, passed, judged, strict=True)
    )


def _judge(step: str, facts: GateFacts) -> tuple[Text | None, str, datetime | None]:
    """Return what a step's gate waits for by itself, None where for nothing, and who opened it when."""
    request = facts.request
    match step:
        case "model":
            return (
                (None, facts.model_by, None)
                if facts.champion
                else (Text("等模型获批", "a model to be approved"), "", None)
            )
        case "audience":
            if facts.locked and request is not None:
                return None, request.maker, request.submitted_at
            return Text("等经办提交", "its maker to submit it"), "", None
        case "product":
            off = "、".join(facts.off_shelf)
            return (Text(f"不在架：{off}", f"not on the shelf: {off}"), "", None) if off else (None, "", None)
        case "benefit":
            return _own_parts(facts, ("benefit", "budget"))
        case "script":
            waits, by, at = _own_parts(facts, ("script",))
            return (waits, by, at) if waits is not None else _stage(facts, Stage.CONSUMER)
        case "reach":
            if request is not None and (request.granted or "reach" in facts.done):
                last = next((act for act in reversed(facts.acts) if act.act == "pass"), None)
                return None, last.person if last else "", last.recorded_at if last else None
            return Text("等逐级批准", "the consents still to be given"), "", None
        case "evaluate":
            return (
                (None, "", None)
                if step in facts.done
                else (Text("等标签到期后读数", "to be read when labels are due"), "", None)
            )
        case _:
            return (
                (None, "", None)
                if step in facts.done
                else (Text("等比较、晋升或结束", "to be compared, promoted or closed"), "", None)
            )


def _own_parts(facts: GateFacts, kinds: Sequence[str]) -> tuple[Text | None, str, datetime | None]:
    missing = [key for key, stands in facts.parts.items() if key.partition("/")[0] in kinds and not stands]
    if missing:
        named = "、".join(missing)
        return Text(f"等单独批准：{named}", f"to be approved on its own: {named}"), "", None
    return None, "", None


def _stage(facts: GateFacts, stage: Stage) -> tuple[Text | None, str, datetime | None]:
    """Return whether a stage of the campaign's approval was passed; a route without it asks for nothing."""
    given = next((act for act in facts.acts if act.act == "pass" and act.stage is stage), None)
    if given is not None:
        return None, given.person, given.recorded_at
    if facts.request is not None and (stage not in facts.request.route or facts.request.granted):
        return None, "", None
    return Text("等消保意见", "the consumer-protection opinion"), "", None
