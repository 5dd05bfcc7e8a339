"""The errors of valuing a policy: each with a stable code, the place, the reason and the cure in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bankloop.kit.errors import DataError, NotFoundError, SpecError
from bankloop.kit.located import nearest_said
from bankloop.kit.text import Text
from bankloop.loop.spec import Label

_NONE_NEAR = Text("也没有相近的", "none is like it")


def no_data(data: Path, file: str, origin: Label) -> NotFoundError:
    """The file is not where --data says; its origin is the cure."""
    return NotFoundError(
        "policy.no_data",
        Text(
            "{data} 里没有 {file}；请从此处下载并放入该目录：{origin}",
            "there is no {file} in {data}; get it here and put it there: {origin}",
        ),
        data=data,
        file=file,
        origin=origin.text,
    )


def unreadable(file: str, reason: Text) -> DataError:
    """A file that is cut short, empty or of another format."""
    return DataError(
        "policy.unreadable",
        Text(
            "{file} 无法读取：{reason}；请重新下载",
            "{file} cannot be read: {reason}; download it again",
        ),
        file=file,
        reason=reason,
    )


def missing_column(file: str, column: str, known: Iterable[str]) -> DataError:
    """A column that bank.yaml maps and the file lacks."""
    return DataError(
        "policy.missing_column",
        Text(
            "{file} 没有字段 {column}；{near}；请更正 bank.yaml 的映射",
            "{file} has no column {column}; {near}; correct the mapping in bank.yaml",
        ),
        file=file,
        column=column,
        near=nearest_said(column, known, _NONE_NEAR),
    )


def bad_value(file: str, column: str, row: int, value: object, wanted: str) -> DataError:
    """A field that cannot be what bank.yaml says it is."""
    return DataError(
        "policy.value",
        Text(
            "{file} 第 {row} 行字段 {column} 的值“{value}”不是 {wanted}；请更正文件，或在 bank.yaml 中写明 missing",
            "{file} row {row}: '{value}' in {column} is not {wanted}; correct the file, or say in bank.yaml what missing means",
        ),
        file=file,
        column=column,
        row=row,
        value=value,
        wanted=wanted,
    )


def no_rows(what: Text) -> DataError:
    """A part of the experiment that holds no rows."""
    return DataError(
        "policy.no_rows",
        Text("{what}没有任何行；请检查 split 与文件", "no rows for {what}; check split and the file"),
        what=what,
    )


def unknown_name(place: str, name: str, known: Iterable[str]) -> SpecError:
    """A column, arm, group or level that does not exist."""
    names = list(known)
    return SpecError(
        "policy.unknown_name",
        Text("{place}：没有“{name}”；{near}；可用：{known}", "{place}: there is no '{name}'; {near}; known: {known}"),
        place=place,
        name=name,
        near=nearest_said(name, names, _NONE_NEAR),
        known=", ".join(names),
    )


def no_worth(place: str, name: str) -> SpecError:
    """Events among money without what one of them is worth."""
    return SpecError(
        "policy.no_worth",
        Text(
            "{place}：“{name}”是件数而不是钱；请在 worth 下写明一件值多少，如 {name}: 0.50，或改用 kind: count",
            "{place}: '{name}' counts events and is no money; say under worth what one brings, as {name}: 0.50, "
            "or write kind: count",
        ),
        place=place,
        name=name,
    )


def other_currency(place: str, currency: str, wanted: str) -> SpecError:
    """A cost or a worth in another currency than the file's money."""
    return SpecError(
        "policy.currency",
        Text(
            "{place}：金额应为 {wanted}（见 bank.yaml），不是 {currency}；请换算后再写",
            "{place}: amounts are in {wanted} as bank.yaml says, not in {currency}; convert it first",
        ),
        place=place,
        currency=currency,
        wanted=wanted,
    )


def too_much(place: str, name: str) -> SpecError:
    """Shares of one comparison that add up to more than everybody."""
    return SpecError(
        "policy.shares",
        Text("{place}：{name} 的份额合计超过 100%；请调低", "{place}: the shares of {name} exceed 100%; lower them"),
        place=place,
        name=name,
    )


def protected(place: str, name: str, column: str) -> SpecError:
    """A protected column among what the policy may look at."""
    return SpecError(
        "policy.protected",
        Text(
            "{place}：“{name}”来自受保护字段 {column}，不得影响报价；请从 features、strata 或 group 中删除",
            "{place}: '{name}' comes from the protected column {column}, which may never steer an offer; "
            "remove it from features, strata or group",
        ),
        place=place,
        name=name,
        column=column,
    )


def no_choice(place: str) -> SpecError:
    """A ceiling that no combination of levels keeps."""
    return SpecError(
        "policy.no_choice",
        Text(
            "{place}：没有任何档位组合不超过原均值；请增加档位数",
            "{place}: no combination of levels stays under the logged mean; use more levels",
        ),
        place=place,
    )
