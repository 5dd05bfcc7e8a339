"""Which consents a request needs and who may give the next one: pure, with a reason for every answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from bankloop.kit.money import say_fen
from bankloop.kit.text import Language, Text
from bankloop.organization.approval.contracts import OPEN, Act, Approval, ConsentVerdict, Demand, Lane, Route, Stage
from bankloop.store.contracts import EVERY_UNIT, Principal

# From this product risk on nobody skips consumer protection, not even in an emergency (消保审查).
ALWAYS_REVIEWED_RISK = 2


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """A kind of object that is approved: its name, its usual lane, and who sees it before the approvers do.

    ``administrative``: whoever has the right for it answers for the whole bank, also without units of customers.
    """

    title: Text
    lane: Lane
    consumer: bool = False
    compliance: bool = False
    administrative: bool = False


KINDS: Mapping[str, ApprovalKind] = {
    "campaign": ApprovalKind(Text("战役", "campaign"), Lane.AGILE, consumer=True, compliance=True),
    "script": ApprovalKind(Text("话术", "script"), Lane.AGILE, consumer=True, compliance=True),
    "benefit": ApprovalKind(Text("权益", "benefit"), Lane.AGILE, consumer=True, compliance=True),
    "dnc_removal": ApprovalKind(
        Text("解除禁拨", "removal from do-not-contact"), Lane.AGILE, consumer=True, compliance=True
    ),
    "export": ApprovalKind(Text("数据导出", "export"), Lane.AGILE, compliance=True),
    "model": ApprovalKind(Text("模型", "model"), Lane.AGILE),
    "product": ApprovalKind(Text("产品货架", "product shelf"), Lane.AGILE),
    "bundle": ApprovalKind(Text("产品组合", "bundle of products"), Lane.AGILE),
    "transfer": ApprovalKind(Text("客户划转", "transfer of a book"), Lane.AGILE),
    "budget": ApprovalKind(Text("预算", "budget"), Lane.STABLE),
    "merge": ApprovalKind(Text("客户合并", "merge of customers"), Lane.STABLE),
    # A bank begins with two security administrators: one asks, the other approves.
    "grant": ApprovalKind(Text("角色授权", "grant of a role"), Lane.AGILE, administrative=True),
    "tier_rule": ApprovalKind(Text("分层规则", "tier rule"), Lane.STABLE, consumer=True, compliance=True),
    "trigger": ApprovalKind(Text("触发器", "trigger"), Lane.AGILE, consumer=True, compliance=True),
    "erasure": ApprovalKind(Text("个人信息清除", "erasure of personal data"), Lane.STABLE, compliance=True),
}

# The permission that each stage asks for; the catalogue of roles says who has it.
PERMISSION: Mapping[Stage, str] = {
    Stage.CONSUMER: "review",
    Stage.COMPLIANCE: "comply",
    Stage.FIRST: "approve",
    Stage.SECOND: "approve",
}
EMERGENCY = "emergency"

Allowed = Callable[[Principal, str], bool]


def route_of(kind: ApprovalKind, demand: Demand) -> Route:
    """Return the stages that a demand needs.

    An emergency skips consumer review below R2 and always has two consents of head office, compliance first.
    """
    over = beyond(demand)
    lane = Lane.STABLE if Lane.STABLE in (kind.lane, demand.lane) else Lane.AGILE
    head_office = demand.unit_id == EVERY_UNIT or bool(over) or demand.emergency
    if demand.emergency:
        reviewed = kind.consumer and demand.risk >= ALWAYS_REVIEWED_RISK
        stages = ((Stage.CONSUMER,) if reviewed else ()) + (Stage.COMPLIANCE, Stage.FIRST)
        why = Text("紧急通道：合规与总行两人同意", "emergency: compliance and head office both consent")
        return Route(stages, lane, True, (why, *over))
    seen = (*((Stage.CONSUMER,) if kind.consumer else ()), *((Stage.COMPLIANCE,) if kind.compliance else ()))
    if lane is Lane.STABLE:
        why = Text("稳态通道：两人批准", "stable lane: two approve")
        return Route((*seen, Stage.FIRST, Stage.SECOND), lane, head_office, (why, *over))
    if over:
        return Route((*seen, Stage.FIRST, Stage.SECOND), lane, True, over)
    why = Text("敏态通道，未超限额：一人批准", "agile lane within the limits: one approves")
    return Route((*seen, Stage.FIRST), lane, head_office, (why,))


def beyond(demand: Demand) -> tuple[Text, ...]:
    """Return the limits that a demand goes beyond, each as a reason."""
    customers, money = demand.limits.of(demand.unit_id)
    found = []
    if demand.customers is None or demand.customers > customers:
        found.append(Text(f"客户数超过 {customers:,}", f"more than {customers:,} customers"))
    if demand.money_fen is None or demand.money_fen > money:
        found.append(Text(f"金额超过 {say_fen(money, Language.ZH)}", f"more than {say_fen(money, Language.EN)}"))
    if demand.risk >= demand.limits.risk:
        found.append(Text(f"产品风险 R{demand.limits.risk} 及以上", f"product risk R{demand.limits.risk} or above"))
    return tuple(found)


def next_stage(approval: Approval) -> Stage | None:
    """Return the stage that waits, None when nothing does."""
    return approval.route[approval.passed] if approval.state in OPEN else None


def may_pass(
    approval: Approval,
    acts: Sequence[Act],
    editors: Collection[str],
    stand_ins: Collection[str],
    person: Principal,
    allowed: Allowed,
) -> ConsentVerdict:
    """Return whether a person may give the consent that a request waits for.

    ``editors`` changed the object since it was last approved; ``stand_ins`` act for the maker now.
    """
    stage = next_stage(approval)
    if stage is None:
        return ConsentVerdict(False, Text("这份申请不在等待审批", "the request waits for nobody"))
    if person.id.startswith("system:") or not person.id:
        return ConsentVerdict(False, Text("程序不能代替人审批", "a program approves nothing"))
    names = {person.id, person.acting_for} - {""}
    makers = {approval.maker, *(a.acting_for for a in acts if a.act == "submit"), *_who(acts, "submit")}
    if names & makers:
        return ConsentVerdict(False, Text("经办人不能复核自己提交的内容", "the maker cannot approve what he submitted"))
    if names & set(editors):
        return ConsentVerdict(False, Text("修改过内容的人不能审批它", "who edited it cannot approve it"))
    if names & set(stand_ins):
        return ConsentVerdict(False, Text("经办人的代理人不能审批", "the maker's stand-in cannot approve it"))
    if names & set(approval.demand.get("parties", ())):
        return ConsentVerdict(False, Text("申请所涉及的人不能审批它", "whom it is about cannot approve it"))
    if names & {name for a in acts if a.act == "pass" for name in (a.person, a.acting_for)}:
        return ConsentVerdict(False, Text("同一人不能在一份申请中同意两次", "nobody consents twice to one request"))
    return _may_at(approval, stage, person, allowed)


def _may_at(approval: Approval, stage: Stage, person: Principal, allowed: Allowed) -> ConsentVerdict:
    if not allowed(person, PERMISSION[stage]):
        return ConsentVerdict(
            False,
            Text(f"没有“{STAGES[stage].zh}”的权限", f"lacks the right to give the consent '{STAGES[stage].en}'"),
        )
    if approval.emergency and not allowed(person, EMERGENCY):
        return ConsentVerdict(False, Text("紧急通道需要紧急审批权限", "the emergency path needs the right for it"))
    if not within(approval, stage, person):
        return ConsentVerdict(
            False, Text("超出本机构的授权范围，须总行审批", "beyond what this unit may approve: head office decides")
        )
    return ConsentVerdict(True, STAGES[stage])


def within(approval: Approval, stage: Stage, person: Principal) -> bool:
    """Return whether a person's units may give this consent: the last word beyond the limits is head office's."""
    if EVERY_UNIT in person.units or KINDS[approval.kind].administrative:
        return True
    if approval.unit_id == EVERY_UNIT or approval.emergency:
        return False
    last = stage is approval.route[-1]
    return approval.unit_id in person.units and not (last and approval.demand.get("head_office", True))


STAGES: Mapping[Stage, Text] = {
    Stage.CONSUMER: Text("消保审查", "consumer review"),
    Stage.COMPLIANCE: Text("合规审查", "compliance"),
    Stage.FIRST: Text("审批", "approval"),
    Stage.SECOND: Text("二次审批", "second approval"),
}


def _who(acts: Sequence[Act], name: str) -> set[str]:
    return {a.person for a in acts if a.act == name}
