"""The organization's errors, each with the cure in both languages."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.text import Text


def same_person(person: str) -> DeniedError:
    """Return the refusal of an approval by its own maker."""
    return DeniedError(
        "organization.same_person",
        Text(
            "{person} 是经办人，不能复核自己提交的内容；请由另一人复核",
            "{person} submitted this and cannot approve it; ask another person",
        ),
        person=person,
    )


def not_yours(person: str, maker: str) -> DeniedError:
    """Return the refusal of acting in another person's name."""
    return DeniedError(
        "organization.not_yours",
        Text(
            "{person} 不能以 {maker} 的名义操作；请本人登录", "{person} cannot act as {maker}; sign in as that person"
        ),
        person=person,
        maker=maker,
    )


def not_open(approval: str, state: str) -> ConflictError:
    """Return the error of deciding a request that is no longer open."""
    return ConflictError(
        "organization.not_open",
        Text(
            "审批 {approval} 的状态是 {state}，不能再处理；请重新提交",
            "the approval {approval} is {state} and cannot be decided; submit it again",
        ),
        approval=approval,
        state=state,
    )


def no_such(kind: str, name: str) -> NotFoundError:
    """Return the error of an unknown approval or task."""
    return NotFoundError(
        "organization.missing",
        Text("没有这个{kind}：{name}", "there is no such {kind}: {name}"),
        kind=kind,
        name=name,
    )


def task_closed(task: str, state: str) -> ConflictError:
    """Return the error of changing a task that is over."""
    return ConflictError(
        "organization.task_closed",
        Text("任务 {task} 已是 {state}，不能再改；请刷新清单", "the task {task} is {state} by now; reload the list"),
        task=task,
        state=state,
    )


def unknown_kind(kind: str, known: list[str]) -> NotFoundError:
    """Return the refusal of a request about a kind of object that nobody approves."""
    return NotFoundError(
        "organization.unknown_kind",
        Text("没有“{kind}”这类审批；有 {known}", "there is no approval of a '{kind}'; there is {known}"),
        kind=kind,
        known=", ".join(known),
    )


def foreign_unit(person: str, unit: str) -> DeniedError:
    """Return the refusal of a request for a unit that is not the maker's."""
    return DeniedError(
        "organization.foreign_unit",
        Text(
            "{person} 不能为机构 {unit} 提交申请；请由该机构或总行提交",
            "{person} cannot ask for unit {unit}; that unit or head office asks",
        ),
        person=person,
        unit=unit,
    )


def needs_reason() -> InputError:
    """Return the error of an emergency without a reason."""
    return InputError(
        "organization.needs_reason",
        Text("紧急通道必须写明原因", "an emergency needs its reason: say why it cannot wait"),
    )


def needs_opinion() -> InputError:
    """Return the error of an opinion, a return or a stop without words."""
    return InputError(
        "organization.needs_opinion",
        Text("请写明意见", "say in words what the opinion is: the maker must be able to act on it"),
    )


def other_stage(approval: str, stage: str) -> ConflictError:
    """Return the error of a consent before its turn."""
    return ConflictError(
        "organization.other_stage",
        Text(
            "申请 {approval} 正在等待“{stage}”环节，还轮不到这一步；请先完成该环节",
            "the request {approval} waits for the stage '{stage}'; that consent comes first",
        ),
        approval=approval,
        stage=stage,
    )


def may_not(person: str, reason: Text) -> DeniedError:
    """Return the refusal of a consent, with the rule that refuses it."""
    return DeniedError(
        "organization.may_not_approve",
        Text(
            "{person} 不能审批：" + reason.zh + "；请由其他有权人员处理",
            "{person} may not consent: " + reason.en + "; another person with the right must",
        ),
        person=person,
    )


def not_in_force(kind: str, name: str, state: str) -> ConflictError:
    """Return the error of running what is not approved now."""
    return ConflictError(
        "organization.not_in_force",
        Text(
            "{kind} {name} 现在是 {state}，未获批准不能执行；请走完审批后再执行",
            "{kind} {name} is {state} now and may not run; have it approved, or resumed, and run it again",
        ),
        kind=kind,
        name=name,
        state=state,
    )


def on_hold(customer: str, hold: str) -> ConflictError:
    """Return the refusal to erase what a legal hold keeps."""
    return ConflictError(
        "organization.on_hold",
        Text(
            "客户 {customer} 受法定保全 {hold}，不能清除；解除保全后再执行",
            "customer {customer} is under the legal hold {hold} and is kept; run this again once the hold is released",
        ),
        customer=customer,
        hold=hold,
    )


def no_outcome(code: str, known: list[str]) -> InputError:
    """Return the refusal of an outcome that there is not."""
    return InputError(
        "task.no_outcome",
        Text("没有“{outcome}”这种结果；请从 {known} 中选", "there is no outcome '{outcome}'; choose one of {known}"),
        outcome=code[:32],
        known=", ".join(known),
    )


def past_appointment(moment: str) -> InputError:
    """Return the refusal of an appointment that is over already."""
    return InputError(
        "task.past_appointment",
        Text(
            "约定的时间 {moment} 已经过去；请填将来的时间",
            "the time agreed, {moment}, has passed; give one that is to come",
        ),
        moment=moment,
    )


def bad_weights(total: int) -> InputError:
    """Return the refusal to split work by weights that say nothing."""
    return InputError(
        "task.bad_weights",
        Text(
            "{total} 项任务无法按这些权重分解；权重须不为负且不全为零，总数不为负",
            "{total} tasks cannot be split by these weights; they must not be negative nor all nought, the total not negative",
        ),
        total=total,
    )


def no_place(place: str, known: list[str]) -> InputError:
    """Return the refusal of a place of a visit that there is not."""
    return InputError(
        "task.no_place",
        Text("没有“{place}”这种地点；请从 {known} 中选", "there is no place '{place}'; choose one of {known}"),
        place=place[:32],
        known=", ".join(known),
    )


def empty_visit() -> InputError:
    """Return the refusal of a visit that says nothing."""
    return InputError(
        "task.empty_visit",
        Text("请写明拜访谈了什么", "say what the visit was about"),
    )
