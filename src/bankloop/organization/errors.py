"""The organization's errors, each with the cure in both languages."""

from __future__ import annotations

from bankloop.kit import ConflictError, DeniedError, NotFoundError, Text


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


def lacks_role(person: str, role: str) -> DeniedError:
    """Return the refusal of a verb whose role the principal lacks."""
    return DeniedError(
        "organization.lacks_role",
        Text(
            "{person} 没有“{role}”岗位权限；请由有此权限的人员操作", "{person} lacks the role '{role}'; ask who has it"
        ),
        person=person,
        role=role,
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
