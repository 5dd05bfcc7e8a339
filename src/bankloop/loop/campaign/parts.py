"""What campaigns are made of and others answer for: scripts, benefits and budgets, consented to on their own.

The lock freezes them with the campaign, and its approval is of them too. Where the bank's policies say so
(``approval.own``), a campaign is submitted only of parts that their own people have had approved, word for word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bankloop.kit.errors import ConflictError, NotFoundError
from bankloop.kit.ids import digest
from bankloop.kit.located import nearest
from bankloop.kit.text import Text
from bankloop.loop import script
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.limits import limits_of
from bankloop.loop.spec import Benefit, Campaign, Policies, Product, Script
from bankloop.organization.approval import Demand, Effects, approval_of, have_effect, is_approved, submit_approval
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.verbs import verb

SCRIPT, BENEFIT, BUDGET = "script", "benefit", "budget"
TITLES: Mapping[str, Text] = {
    SCRIPT: Text("话术", "script"),
    BENEFIT: Text("权益", "benefit"),
    BUDGET: Text("预算", "budget"),
}


@dataclass(frozen=True, slots=True)
class CampaignPart:
    """One script, benefit or campaign's budget as it is written now, and what its route depends on."""

    kind: str
    key: str
    content: Mapping[str, Any]
    risk: int = 0
    money_fen: int = 0

    @property
    def digest(self) -> str:
        """Return what an approval is of: another word, another amount, another digest."""
        return digest(self.content)


def parts_of(
    campaign: Campaign, products: Mapping[str, Product], benefits: Sequence[Benefit], scripts: Sequence[Script]
) -> list[CampaignPart]:
    """Return the parts of a campaign; of a script what is sent of it, its newest approved version."""
    found = [_script(one, products) for one in scripts]
    found += [_benefit(one) for one in benefits]
    return found if campaign.reach.budget is None else [*found, _budget(campaign)]


def part_of(bank: Bank, kind: str, key: str) -> CampaignPart:
    """Return one part as the bank's files have it; raise ``NotFoundError`` for one that is not there."""
    spec = bank.spec
    if kind == SCRIPT:
        return _script(_known(spec.scripts, kind, key), spec.products)
    if kind == BENEFIT:
        return _benefit(_known(spec.benefits, kind, key))
    with_money = {name: one for name, one in spec.campaigns.items() if one.reach.budget is not None}
    return _budget(_known(with_money, kind, key))


@verb("script.submit")
def submit_script(bank: Bank, maker: Principal, key: str, reason: str = "") -> UUID:
    """Ask that the script's sent version be consented to; raise ``SpecError`` for forbidden wording."""
    part = part_of(bank, SCRIPT, key)
    script.check_scripts([bank.spec.scripts[key]])
    return _ask(bank, maker, part, reason)


@verb("benefit.submit")
def submit_benefit(bank: Bank, maker: Principal, key: str, reason: str = "") -> UUID:
    """Ask that a benefit be consented to: its face, its stock, its term."""
    return _ask(bank, maker, part_of(bank, BENEFIT, key), reason)


@verb("budget.submit")
def submit_budget(bank: Bank, maker: Principal, key: str, reason: str = "") -> UUID:
    """Ask that a campaign's budget be consented to."""
    return _ask(bank, maker, part_of(bank, BUDGET, key), reason)


def submit_part(bank: Bank, maker: Principal, kind: str, key: str, reason: str = "") -> UUID:
    """Ask that a part of a kind be consented to; raise ``NotFoundError`` for another kind."""
    verbs = {SCRIPT: submit_script, BENEFIT: submit_benefit, BUDGET: submit_budget}
    if kind not in verbs:
        raise NotFoundError(
            "campaign.no_kind",
            Text("能单独提交的是 {known}，没有“{kind}”", "what can be submitted on its own is {known}, not '{kind}'"),
            known=", ".join(verbs), kind=kind[:32],
        )  # fmt: skip
    return verbs[kind](bank, maker, key, reason)


def check_parts(connection: Connection, policies: Policies, parts: Sequence[CampaignPart]) -> None:
    """Raise ``ConflictError`` for the first part that the policies want approved on its own and that is not."""
    for part in parts:
        if part.kind in policies.approval.own and not is_approved(connection, part.kind, part.key, part.digest):
            title = TITLES[part.kind]
            raise ConflictError(
                "campaign.part_not_approved",
                Text(
                    "{what}“{key}”的现行内容还没有单独批准；请先 bankloop submit {kind}/{key} 并获批",
                    "{what} '{key}' as it is now has no approval of its own; bankloop submit {kind}/{key} and have it approved first",
                ),
                what=title, key=part.key, kind=part.kind,
            )  # fmt: skip


def standing_of(connection: Connection, parts: Sequence[CampaignPart]) -> list[tuple[CampaignPart, str]]:
    """Return each part with the state of what was last asked for it: ``changed`` where that was another content."""
    found = []
    for part in parts:
        asked = approval_of(connection, part.kind, part.key)
        state = "" if asked is None else asked.state.value if asked.digest == part.digest else "changed"
        found.append((part, state))
    return found


def _ask(bank: Bank, maker: Principal, part: CampaignPart, reason: str) -> UUID:
    # Nobody starts a part, so that its approval does not lapse for want of a start.
    limits = limits_of(bank.spec.policies, start_days=0)
    demand = Demand(money_fen=part.money_fen, risk=part.risk, limits=limits)
    with bank.store.begin(maker) as connection:
        made: UUID = submit_approval(
            connection, part.kind, part.key, part.digest, demand=demand, content=part.content, reason=reason
        )
        record_audit(connection, f"{part.kind}.submit", part.kind, part.key, None, {"digest": part.digest}, reason)
    return made


def _script(one: Script, products: Mapping[str, Product]) -> CampaignPart:
    sent = script.newest_approved(one)
    if sent is None:
        raise ConflictError(
            "script.no_version",
            Text("话术“{key}”没有可用的版本；请在文件里把要用的版本写成 approved", "script '{key}' has no version to send; mark the one to use as approved in its file"),
            key=one.script,
        )  # fmt: skip
    spoken = [products[key] for key in one.products if key in products]
    risk = max((found.risk.level for found in spoken if found.risk is not None), default=0)
    return CampaignPart(SCRIPT, one.script, {"products": list(one.products), **sent.model_dump(mode="json")}, risk)


def _benefit(one: Benefit) -> CampaignPart:
    return CampaignPart(BENEFIT, one.key, one.model_dump(mode="json", by_alias=True), money_fen=one.face * one.stock)


def _budget(one: Campaign) -> CampaignPart:
    money = one.reach.budget or 0
    return CampaignPart(BUDGET, one.campaign, {"campaign": one.campaign, "budget_fen": money}, money_fen=money)


def _known(among: Mapping[str, Any], kind: str, key: str) -> Any:
    if key not in among:
        raise NotFoundError(
            "campaign.no_part",
            Text("没有{what}“{key}”；最接近的是 {near}", "there is no {what} '{key}'; the nearest is {near}"),
            what=TITLES[kind], key=key[:64], near=nearest(key, among) or "—",
        )  # fmt: skip
    return among[key]


for _kind in (SCRIPT, BENEFIT, BUDGET):
    have_effect(_kind, Effects(Text("战役可以带着它提交", "campaigns may be submitted with it")))
