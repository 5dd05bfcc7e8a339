"""What may be done with a request for approval, by the name that page and API give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.approving import (
    approve_campaign,
    close_campaign,
    kill_campaign,
    pause_campaign,
    promote,
    recall_campaign,
    resume_campaign,
    return_campaign,
)
from bankloop.loop.offering.shelf import screen
from bankloop.organization.approval import (
    Approval,
    Stage,
    approval_by_id,
    approve,
    comply,
    kill,
    next_stage,
    recall,
    reject,
    review,
)
from bankloop.organization.principals import system
from bankloop.store.contracts import Principal
from bankloop.web.shell import errors

ACTS = ("pass", "return", "recall", "pause", "resume", "kill", "close")
_Campaign = Callable[[Bank, Principal, str, str], object]
_CAMPAIGN: Mapping[str, _Campaign] = {
    "pass": approve_campaign,
    "return": return_campaign,
    "recall": recall_campaign,
    "pause": pause_campaign,
    "resume": resume_campaign,
    "kill": kill_campaign,
    "close": close_campaign,
}


def act_on(
    bank: Bank, principal: Principal, approval_id: UUID, act: str, comment: str, *, digest: str | None = None
) -> Approval:
    """Do ``act`` with a request and return it as it is then.

    ``digest`` is what the person had before them: raises ``StaleError`` where the request is about another one by now.
    """
    if act not in ACTS:
        raise errors.no_choice("act", act[:32], ", ".join(ACTS))
    with bank.store.begin(principal) as connection:
        found = approval_by_id(connection, approval_id)
    if digest is not None and digest != found.digest:
        raise errors.stale(f"{found.kind} {found.object_id}")
    if found.kind == "campaign":
        _CAMPAIGN[act](bank, principal, found.object_id, comment)
    elif found.kind == "model" and act == "pass":
        promote(bank, principal, found.object_id)
    else:
        _plain(bank, principal, found, act, comment)
    if found.kind == "product" and act == "pass":
        screen(bank, system("shelf"))
    with bank.store.begin(principal) as connection:
        return approval_by_id(connection, approval_id)


def _plain(bank: Bank, principal: Principal, found: Approval, act: str, comment: str) -> None:
    stage = next_stage(found)
    with bank.store.begin(principal) as connection:
        match act:
            case "pass" if stage is Stage.CONSUMER:
                review(connection, found.approval_id, positive=True, opinion=comment)
            case "pass" if stage is Stage.COMPLIANCE:
                comply(connection, found.approval_id, comment)
            case "pass":
                approve(connection, found.approval_id, reason=comment)
            case "return":
                reject(connection, found.approval_id, comment)
            case "recall":
                recall(connection, found.approval_id, comment)
            case "kill":
                kill(connection, found.approval_id, comment)
            case _:
                raise NotFoundError(
                    "approval.no_act",
                    Text("{kind} 没有“{act}”这一步；请从页面上的动作里选", "{kind} has no step '{act}'; choose one that its page offers"),
                    kind=found.kind, act=act,
                )  # fmt: skip
