"""Refusals of rights, each with the cure in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.text import Text
from bankloop.organization.rights.contracts import ObjectSpec, RoleSpec


def not_allowed(person: str, permission: str, kind: ObjectSpec | None, holders: Sequence[RoleSpec]) -> DeniedError:
    """Return the refusal of a permission that the principal's role lacks; it names who has it."""
    who = Text(
        "、".join(role.title.zh for role in holders) or "系统本身",
        ", ".join(role.title.en for role in holders) or "the program itself",
    )
    what = kind.title if kind else Text(permission, permission)
    return DeniedError(
        "rights.not_allowed",
        Text(
            "{person} 没有权限 {permission}（{what}）；有此权限的是：{who}",
            "{person} lacks the permission {permission} ({what}); it belongs to: {who}",
        ),
        person=person,
        permission=permission,
        what=what,
        who=who,
    )


def no_part(person: str) -> DeniedError:
    """Return the refusal of every unit's figures to who sees some units only."""
    return DeniedError(
        "rights.not_whole",
        Text(
            "这里是全行各机构的数字，{person} 只看部分机构；请在经营台看“结果”“指标”，那里只列其机构",
            "these are every unit's figures and {person} sees some units; open Results and Metrics in the console, which "
            "show those",
        ),
        person=person,
    )


def no_grant(person: str, role: str | None, purpose: str) -> DeniedError:
    """Return the refusal of a person to whom no role is granted now, for this purpose."""
    return DeniedError(
        "rights.no_grant",
        Text(
            "{person} 现在没有可用于“{purpose}”的角色{role}；请安全管理员授权",
            "{person} has no role{role} granted now that serves the purpose '{purpose}'; ask the security administrator",
        ),
        person=person,
        role=Text(f" {role}" if role else "", f" {role}" if role else ""),
        purpose=purpose,
    )


def not_deputy(person: str, absent: str) -> DeniedError:
    """Return the refusal of acting for somebody whose deputy one is not now."""
    return DeniedError(
        "rights.not_deputy",
        Text(
            "{person} 现在不是 {absent} 的代理人；须先登记 B 角并在其休假期间，或由本人委托",
            "{person} is not the deputy of {absent} now; be the registered backup while they are on leave, or be "
            "delegated by them",
        ),
        person=person,
        absent=absent,
    )


def unknown_role(role: str, known: Sequence[str]) -> InputError:
    """Return the error of a role that the catalogue does not have."""
    return InputError(
        "rights.unknown_role",
        Text("没有角色 {role}；有 {known}", "there is no role {role}; there is {known}"),
        role=role,
        known=", ".join(known),
    )


def administrators_split(person: str, held: str, asked: str) -> DeniedError:
    """Return the refusal to combine two of system, security and audit administration in one person."""
    return DeniedError(
        "rights.administrators_split",
        Text(
            "{person} 已是 {held}，不能再授予 {asked}：系统、安全、审计三员必须分设，且不兼任业务角色；请授给另一人",
            "{person} is {held} and cannot be {asked} too: system, security and audit administration are separate and "
            "combine with no other role; grant it to another person",
        ),
        person=person,
        held=held,
        asked=asked,
    )


def own_grant(person: str) -> DeniedError:
    """Return the refusal to decide on rights, or on a transfer, of one's own."""
    return DeniedError(
        "rights.own",
        Text(
            "{person} 不能为自己授权或审批；请由另一人办理",
            "{person} cannot grant or approve for themselves; ask another person",
        ),
        person=person,
    )


def not_requested(what: str, state: str) -> ConflictError:
    """Return the error of deciding what no longer waits for a decision."""
    return ConflictError(
        "rights.not_requested",
        Text(
            "{what} 的状态是 {state}，不再等待审批；请刷新",
            "{what} is {state} and waits for no decision any more; reload",
        ),
        what=what,
        state=state,
    )


def already_granted(person: str, role: str) -> ConflictError:
    """Return the error of granting a role that the person has, or has been asked for."""
    return ConflictError(
        "rights.already_granted",
        Text(
            "{person} 已有角色 {role}，或申请正在等待；先撤销再授予",
            "{person} has the role {role}, or it is asked for; revoke it first",
        ),
        person=person,
        role=role,
    )


def begun() -> ConflictError:
    """Return the error of naming first security administrators where there are some."""
    return ConflictError(
        "rights.begun",
        Text(
            "已有安全管理员；请由其授权（bankloop rights grant）",
            "there are security administrators already; they grant roles (bankloop rights grant)",
        ),
    )


def missing(kind: Text, name: str) -> NotFoundError:
    """Return the error of an unknown grant, transfer, agreement or customer."""
    return NotFoundError(
        "rights.missing",
        Text("没有这个{kind}：{name}", "there is no such {kind}: {name}"),
        kind=kind,
        name=name,
    )


def bad_validity(what: str) -> InputError:
    """Return the error of an end that is not after its beginning."""
    return InputError(
        "rights.bad_validity",
        Text("{what} 的截止时间须晚于开始时间", "{what} must end after it begins"),
        what=what,
    )


def needs(field: Text) -> InputError:
    """Return the error of a reason, ticket or list that was left empty."""
    return InputError("rights.needs", Text("请填写{field}", "state the {field}"), field=field)


def agreement_exists(agreement: str) -> ConflictError:
    """Return the error of an agreement's id that is taken."""
    return ConflictError(
        "rights.agreement_exists",
        Text("协议编号 {agreement} 已被使用；请换一个", "the agreement id {agreement} is taken; choose another"),
        agreement=agreement,
    )


def agreement_over(agreement: str, until: datetime) -> DeniedError:
    """Return the refusal of what an agreement shared that is over."""
    return DeniedError(
        "rights.agreement_over",
        Text(
            "共享协议 {agreement} 已于 {until} 到期或终止；请由数据归属方续签",
            "the sharing agreement {agreement} is over since {until} or was ended; its owner must renew it",
        ),
        agreement=agreement,
        until=until.date(),
    )


def no_consent(customer: str, agreement: str) -> DeniedError:
    """Return the refusal of what a customer has not consented to share."""
    return DeniedError(
        "rights.no_consent",
        Text(
            "客户 {customer} 没有同意协议 {agreement} 的共享；先取得同意并登记",
            "the customer {customer} has not consented to the sharing of {agreement}; obtain and record the consent",
        ),
        customer=customer,
        agreement=agreement,
    )


def no_customer(customer: str) -> NotFoundError:
    """Return the error of a customer that is unknown, or outside of one's scope: which of both is not said."""
    return NotFoundError(
        "rights.no_customer",
        Text(
            "没有客户 {customer}，或不在您的数据范围内；请核对客户号，或向其管户机构申请",
            "there is no customer {customer}, or not within your scope; check the number, or ask the unit that keeps it",
        ),
        customer=customer,
    )


def unknown_field(name: str, known: Sequence[str]) -> InputError:
    """Return the error of a field that customers do not have."""
    return InputError(
        "rights.unknown_field",
        Text("客户没有字段 {name}；有 {known}", "customers have no field {name}; there is {known}"),
        name=ascii(name)[:80],
        known=", ".join(known),
    )


def never_plain(person: str, name: str) -> DeniedError:
    """Return the refusal to unmask a field that the person's role never sees plain."""
    return DeniedError(
        "rights.never_plain",
        Text(
            "{person} 的角色不能查看 {name} 的明文；请由有此权限的角色办理",
            "the role of {person} never sees {name} plain; ask a role that may",
        ),
        person=person,
        name=name,
    )


def too_long(minutes: int, most: int) -> InputError:
    """Return the error of an unmasking that would last too long, or not at all."""
    return InputError(
        "rights.too_long",
        Text("解除脱敏须为 1 至 {most} 分钟，而非 {minutes}", "an unmasking lasts 1 to {most} minutes, not {minutes}"),
        minutes=minutes,
        most=most,
    )
