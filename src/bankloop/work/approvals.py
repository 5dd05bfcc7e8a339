"""What may be done with a request for approval: one function for the command, the page and the API.

An act is the verb of its kind, with its rights, its row in the trail and its effects. What comes after an approval is
carried out from the queue, at once where it can be: an effect that fails leaves the approval as it is, and is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from bankloop.customer import consent as consents
from bankloop.customer import identity, subject, tier
from bankloop.journey import trigger
from bankloop.kit.errors import NotFoundError, StaleError
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.campaign import approving, parts
from bankloop.loop.learning import promotion
from bankloop.loop.offering import bundles, shelf
from bankloop.organization import granting
from bankloop.organization.approval import (
    EFFECT_TOPIC,
    KINDS,
    Approval,
    Attachment,
    Stage,
    approval_by_id,
    consent,
    effects_of,
    kill,
    next_stage,
    recall,
    reject,
    review,
)
from bankloop.organization.principals import system
from bankloop.store.contracts import Message, Principal
from bankloop.store.outbox import Drained, drain

# The rooms that say what approval of their kinds does: where they are imported, every kind has its effects.
SPEAKERS = (approving, bundles, consents, granting, identity, parts, promotion, shelf, subject, tier, trigger)
ACTS = ("pass", "return", "recall", "pause", "resume", "kill", "close")
_OF_A_CAMPAIGN: Mapping[str, Callable[[Bank, Principal, str, str], object]] = {
    "recall": approving.recall_campaign,
    "pause": approving.pause_campaign,
    "resume": approving.resume_campaign,
    "kill": approving.kill_campaign,
    "close": approving.close_campaign,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """A request as it is after an act, and what was carried out of it: an effect that failed is tried again."""

    approval: Approval
    carried: Drained


def decide(
    bank: Bank,
    principal: Principal,
    approval_id: UUID,
    act: str,
    comment: str = "",
    attachments: Sequence[Attachment] = (),
    *,
    digest: str | None = None,
) -> Decided:
    """Do ``act`` with a request and return it as it is then.

    ``digest`` is what the person had before them: raises ``StaleError`` where the request is about another one by now,
    ``NotFoundError`` for an act that its kind does not have.
    """
    if act not in ACTS:
        raise _no_act("approval", act)
    with bank.store.begin(principal) as connection:
        found = approval_by_id(connection, approval_id)
    if digest is not None and digest != found.digest:
        raise StaleError(
            "approval.changed",
            Text(
                "{what} 在打开之后已被改动；请重新打开，看过现在的内容再决定",
                "{what} was changed since you opened it; open it again and decide on what it is now",
            ),
            what=f"{found.kind} {found.object_id}",
        )
    if found.kind == "campaign":
        _move_campaign(bank, principal, found, act, comment, attachments)
    else:
        with bank.store.begin(principal) as connection:
            _move(connection, found, act, comment, attachments)
    carried = carry_out(bank) if act == "pass" else Drained(0)
    with bank.store.begin(principal) as connection:
        return Decided(approval_by_id(connection, approval_id), carried)


def check_kinds() -> None:
    """Raise where there is a kind of request of which no room says what its approval does."""
    for kind in KINDS:
        effects_of(kind)


def carry_out(bank: Bank, *, patient: bool = False) -> Drained:
    """Carry out what approvals have queued, each in a transaction of its own in the program's name."""

    def effect(connection: Connection, message: Message) -> int:
        found = approval_by_id(connection, UUID(message.payload["approval"]))
        later = effects_of(found.kind).later
        if later is not None:
            later(bank, connection, found)
        return 1

    return drain(bank.store, system("effects"), EFFECT_TOPIC, effect, patient=patient)


def _move_campaign(
    bank: Bank, principal: Principal, found: Approval, act: str, comment: str, attachments: Sequence[Attachment]
) -> None:
    if act == "pass":
        approving.approve_campaign(bank, principal, found.object_id, comment, attachments)
    elif act == "return":
        approving.return_campaign(bank, principal, found.object_id, comment, attachments)
    else:
        _OF_A_CAMPAIGN[act](bank, principal, found.object_id, comment)


def _move(connection: Connection, found: Approval, act: str, comment: str, attachments: Sequence[Attachment]) -> None:
    match act:
        case "pass":
            consent(connection, found.approval_id, comment, attachments)
        case "return" if next_stage(found) is Stage.CONSUMER:
            review(connection, found.approval_id, positive=False, opinion=comment, attachments=attachments)
        case "return":
            reject(connection, found.approval_id, comment)
        case "recall":
            recall(connection, found.approval_id, comment)
        case "kill":
            kill(connection, found.approval_id, comment)
        case _:
            raise _no_act(found.kind, act)


def _no_act(kind: str, act: str) -> NotFoundError:
    return NotFoundError(
        "approval.no_act",
        Text(
            "{kind} 没有“{act}”这一步；请从页面上的动作里选",
            "{kind} has no step '{act}'; choose one that its page offers",
        ),
        kind=kind,
        act=act[:32],
    )
