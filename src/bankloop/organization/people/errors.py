"""Refusals about units, staff, licences and books, each with the cure in both languages."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.text import Text

_KINDS = {
    "unit": Text("机构", "unit"),
    "staff": Text("员工", "member of staff"),
    "transfer": Text("划转", "transfer"),
}


def missing(kind: str, name: str) -> NotFoundError:
    """Return the error of an unknown unit, member of staff or transfer."""
    return NotFoundError(
        "people.missing",
        Text("没有这个{kind}：{name}", "there is no such {kind}: {name}"),
        kind=_KINDS[kind],
        name=name,
    )


def own_ancestor(unit: str, parent: str) -> InputError:
    """Return the refusal of a tree in which a unit is above itself."""
    return InputError(
        "people.own_ancestor",
        Text(
            "{unit} 不能归 {parent} 管辖：{parent} 就是它或在它之下；请选另一上级机构",
            "{unit} cannot be under {parent}, which is itself or below it; choose another parent",
        ),
        unit=unit,
        parent=parent,
    )


def unit_exists(unit: str) -> ConflictError:
    """Return the error of opening a unit that is open."""
    return ConflictError(
        "people.unit_exists",
        Text("机构 {unit} 已存在；请换编号，或用调整", "the unit {unit} exists; choose another id, or move it"),
        unit=unit,
    )


def unit_in_use(unit: str) -> ConflictError:
    """Return the error of closing a unit that still has units, staff or customers."""
    return ConflictError(
        "people.unit_in_use",
        Text(
            "机构 {unit} 之下还有机构、员工或客户；先调走再撤并",
            "the unit {unit} still has units, staff or customers; move them first",
        ),
        unit=unit,
    )


def bad_name(what: str) -> InputError:
    """Return the refusal of an id or a name that cannot be kept."""
    return InputError(
        "people.bad_name",
        Text(
            "编号或名称不可用（{what}）：不能为空，编号限字母、数字、- _ . : 且不超过 64 个字符，名称不超过 64 个字符且不含"
            "控制字符",
            "this id or name cannot be kept ({what}): not empty; ids of letters, digits, - _ . : up to 64; names up to "
            "64 characters without control characters",
        ),
        what=what,
    )


def bad_period(what: str) -> InputError:
    """Return the error of a period that ends before it begins, or begins in the past where it may not."""
    return InputError(
        "people.bad_period",
        Text("{what}：结束须晚于开始", "{what}: the end must come after the beginning"),
        what=what,
    )


def no_licence(person: str, kind: str, day: date) -> DeniedError:
    """Return the refusal of an R3+ task for who has no licence valid on the day."""
    return DeniedError(
        "people.no_licence",
        Text(
            "{person} 在 {day} 没有有效的“{kind}”销售资格，不能承接 R3 及以上任务；请续期或改派持证人员",
            "{person} has no licence '{kind}' valid on {day} and cannot take a task of R3 or above; renew it, or assign "
            "who has one",
        ),
        person=person,
        kind=kind,
        day=day,
    )


def absent(person: str, day: date, backup: str) -> ConflictError:
    """Return the refusal of a task for who is on leave; it names the backup."""
    return ConflictError(
        "people.absent",
        Text(
            "{person} 在 {day} 休假；请改派其 B 角：{backup}",
            "{person} is on leave on {day}; assign the backup: {backup}",
        ),
        person=person,
        day=day,
        backup=backup,
    )


def no_post(person: str) -> DeniedError:
    """Return the refusal of a role bound to a post for who has none now."""
    return DeniedError(
        "people.no_post",
        Text(
            "{person} 现在没有岗位，其角色没有可用的机构；请先登记岗位",
            "{person} has no post now, so the role has no unit to act in; record the post first",
        ),
        person=person,
    )


def empty_book(person: str) -> ConflictError:
    """Return the error of a transfer that would move nobody."""
    return ConflictError(
        "people.empty_book",
        Text(
            "{person} 名下没有所列客户；请核对客户号",
            "{person} has none of these customers; check the customer numbers",
        ),
        person=person,
    )


def not_requested(transfer: str, state: str) -> ConflictError:
    """Return the error of deciding a transfer that is no longer waiting."""
    return ConflictError(
        "people.not_requested",
        Text(
            "划转 {transfer} 的状态是 {state}，不能再审批；请刷新",
            "the transfer {transfer} is {state} and cannot be decided; reload",
        ),
        transfer=transfer,
        state=state,
    )


def not_demo() -> DeniedError:
    """Return the refusal to seed demonstration people in a real bank."""
    return DeniedError(
        "people.not_demo",
        Text(
            "这不是演示银行，不能写入演示人员；请用 bankloop demo 新建演示银行",
            "this is no demonstration bank, so no demonstration people are made; bankloop demo makes one",
        ),
    )


def out_of_scope(person: str, unit: str) -> DeniedError:
    """Return the refusal to decide for a unit outside of one's own."""
    return DeniedError(
        "people.out_of_scope",
        Text(
            "{unit} 不在 {person} 的机构范围内；请由同时管辖两个机构的人审批",
            "{unit} is outside of the units of {person}; ask who answers for both units",
        ),
        person=person,
        unit=unit,
    )
