"""The errors of the lake: each with a stable code, the place, the reason and the cure in both languages."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from bankloop.kit.errors import (
    BankloopError,
    DataError,
    DeniedError,
    EnvironmentFault,
    LockedError,
    NotFoundError,
    SpecError,
)
from bankloop.kit.later import later
from bankloop.kit.located import nearest
from bankloop.kit.text import Text
from bankloop.lake.permission import no_permission
from bankloop.lake.rules import RULE_TEXT

duckdb: Any = later("duckdb")
_NO_SPACE = ("no space left", "out of disk", "disk quota", "could not write")


def maybe(name: str, known: Iterable[str]) -> Text:
    """Return " (did you mean …?)" for the nearest known name, or nothing."""
    close = nearest(name, known)
    if close is None:
        return Text("", "")
    return Text(f"（是否指 {close}？）", f" (did you mean {close}?)")


def unknown_table(table: str, known: Iterable[str]) -> NotFoundError:
    """A table that no contract names."""
    return NotFoundError(
        "lake.unknown_table",
        Text("没有表 {table}{maybe}；请使用数据契约里的表名", "no table {table}{maybe}; use a contracted table's name"),
        table=table,
        maybe=maybe(table, known),
    )


def no_version(table: str) -> NotFoundError:
    """A table that holds nothing yet."""
    return NotFoundError(
        "lake.no_version",
        Text(
            "表 {table} 还没有数据；请先运行 bankloop load", "table {table} holds no data yet; run bankloop load first"
        ),
        table=table,
    )


def unknown_column(place: str, column: str, known: Iterable[str]) -> DataError:
    """A column the contract or the mapping does not know."""
    return DataError(
        "lake.unknown_column",
        Text(
            "{place}：未知字段 {column}{maybe}；请在 bank.yaml 的 columns 中映射它，或列入 ignore",
            "{place}: unknown column {column}{maybe}; map it under columns in bank.yaml or list it under ignore",
        ),
        place=place,
        column=column,
        maybe=maybe(column, known),
    )


def missing_column(place: str, column: str, known: Iterable[str]) -> DataError:
    """A column the contract demands and the data lacks."""
    return DataError(
        "lake.missing_column",
        Text(
            "{place}：缺少字段 {column}{maybe}；请让源系统补上，或在 bank.yaml 中更正映射",
            "{place}: column {column} is missing{maybe}; have the source deliver it or correct its mapping",
        ),
        place=place,
        column=column,
        maybe=maybe(column, known),
    )


def wrong_type(place: str, column: str, found: str, wanted: str) -> DataError:
    """A whole column of another type than the contract's."""
    return DataError(
        "lake.wrong_type",
        Text(
            "{place}：字段 {column} 的类型是 {found}，契约要求 {wanted}；请在源头转换或补充转换规则",
            "{place}: column {column} is {found} where the contract wants {wanted}; convert it at the source",
        ),
        place=place,
        column=column,
        found=found,
        wanted=wanted,
    )


def broken_rule(place: str, column: str, rule: str, rows: int) -> DataError:
    """Rows that break a rule of the contract at the publishing door."""
    return DataError(
        f"lake.{rule}",
        Text(
            "{place}：字段 {column} 有 {rows} 行不合规则“{rule}”；请更正这些行后重新发布",
            "{place}: column {column} breaks the rule '{rule}' in {rows} rows; correct them and publish again",
        ),
        place=place,
        column=column,
        rule=RULE_TEXT[rule],
        rows=rows,
    )


def duplicate_key(place: str, key: str, rows: int, example: str) -> DataError:
    """Rows that share a key."""
    return DataError(
        "lake.duplicate_key",
        Text(
            "{place}：主键（{key}）有 {rows} 个重复值，例如 {example}；请去重后重新发布",
            "{place}: {rows} values of the key ({key}) occur more than once, for example {example}; "
            "remove the doubles and publish again",
        ),
        place=place,
        key=key,
        rows=rows,
        example=example,
    )


def empty_file(place: str) -> DataError:
    """A delivered file without a byte or without a header."""
    return DataError(
        "lake.empty_file",
        Text(
            "{place} 是空文件；请让源系统重新下传，确实无数据时只保留表头",
            "{place} is empty; have the source send it again, or with its header alone when there is no data",
        ),
        place=place,
    )


def unreadable_file(place: str, reason: Text) -> DataError:
    """A file that cannot be read as its format: truncated Parquet, broken xlsx."""
    return DataError(
        "lake.unreadable_file",
        Text(
            "{place} 无法读取（{reason}）；文件可能被截断，请让源系统重新下传",
            "{place} cannot be read ({reason}); it may be cut short, have the source send it again",
        ),
        place=place,
        reason=reason,
    )


def broken_encoding(place: str, encoding: str, line: int) -> DataError:
    """A header, or a whole file, that is not in the declared encoding."""
    return DataError(
        "lake.encoding",
        Text(
            "{place} 第 {line} 行不是 {encoding} 编码；请在 bank.yaml 更正 encoding，或让源系统重新下传",
            "{place}, line {line}, is not {encoding}; correct encoding in bank.yaml or have the source send it again",
        ),
        place=place,
        encoding=encoding,
        line=line,
    )


def too_many_bad_rows(place: str, bad: int, rows: int, limit_ppm: int, worst: str, report: str) -> DataError:
    """A source whose bad rows pass its threshold: the load stops and changes nothing."""
    return DataError(
        "lake.too_many_bad_rows",
        Text(
            "{place}：{rows} 行中有 {bad} 行不合格，超过 {limit} 的上限，主要是 {worst}；未入湖任何数据。"
            "明细见 {report}，请让源系统更正，或调整 reject_above",
            "{place}: {bad} of {rows} rows are bad, above the limit of {limit}, mostly {worst}; nothing was loaded. "
            "See {report}; have the source corrected, or change reject_above",
        ),
        place=place,
        bad=bad,
        rows=rows,
        limit=f"{limit_ppm / 10_000:g}%",
        worst=worst,
        report=report,
    )


def control_total(place: str, total: str, found: object, wanted: object) -> DataError:
    """A total that differs from the one its flag file states."""
    return DataError(
        "lake.control_total",
        Text(
            "{place} 的 {total} 是 {found}，.ok 文件写明 {wanted}；文件可能不完整，请让源系统重新下传",
            "{place}: {total} is {found} where its .ok file says {wanted}; it may be cut short, have it sent again",
        ),
        place=place,
        total=total,
        found=found,
        wanted=wanted,
    )


def lost_rows(table: str, place: str, rows: int, before: int) -> DataError:
    """A snapshot with less than half of the rows of the one before."""
    return DataError(
        "lake.lost_rows",
        Text(
            "{place}：表 {table} 只剩 {rows} 行，上一版有 {before} 行；"
            "请先核对文件，确属如此再用 bankloop load --accept-loss {table}",
            "{place}: table {table} would keep {rows} rows of the {before} before; "
            "check the file, and if it is so, use bankloop load --accept-loss {table}",
        ),
        table=table,
        place=place,
        rows=rows,
        before=before,
    )


def nothing_before(table: str) -> NotFoundError:
    """A table with no version before the current one."""
    return NotFoundError(
        "lake.nothing_before",
        Text(
            "表 {table} 没有更早的版本可以退回；请改为装载更正后的文件",
            "table {table} has no earlier version to go back to; load a corrected file instead",
        ),
        table=table,
    )


def no_control_total(place: str, total: str) -> DataError:
    """A total that the source promised and its flag file does not state."""
    return DataError(
        "lake.no_control_total",
        Text(
            "{place} 的 .ok 文件没有写明约定的 {total}；请让源系统补上，或从该来源的 control 中去掉",
            "the .ok file of {place} does not state {total} as agreed; have it added, or take it out of the source's control",
        ),
        place=place,
        total=total,
    )


def below_quality(source: str, dimension: str, column: str, value: int, limit: int) -> DataError:
    """A dimension beyond its limit in a source that asks to be stopped for it."""
    return DataError(
        "lake.below_quality",
        Text(
            "{source} 的 {dimension}（{column}）是 {value}，限值 {limit}，该来源要求停止装载；请让源系统核对后重传，或改 block",
            "{dimension} of {source} ({column}) is {value} beyond its limit {limit}, and the source asks to be stopped for it; have it checked and sent again, or change block",
        ),
        source=source,
        dimension=dimension,
        column=column,
        value=f"{value:,}",
        limit=f"{limit:,}",
    )


def source_spec(place: str, reason: Text) -> SpecError:
    """A ``sources:`` entry of bank.yaml that cannot be."""
    return SpecError("lake.source_spec", Text("{place}：{reason}", "{place}: {reason}"), place=place, reason=reason)


def no_database_url(place: str, variable: str) -> EnvironmentFault:
    """A source asks a database whose URL no environment variable names."""
    return EnvironmentFault(
        "lake.database_url",
        Text(
            "{place}：环境变量 {variable} 没有数据库地址；请设为只读账号的地址（URL），如 postgresql+psycopg://reader:…@host/db",
            "{place}: the environment variable {variable} holds no database; set it to the URL of a reader, "
            "as postgresql+psycopg://reader:…@host/db",
        ),
        place=place,
        variable=variable,
    )


def no_driver(place: str, variable: str, driver: str) -> EnvironmentFault:
    """The driver that a database's URL names is not installed, or there is none of that name."""
    return EnvironmentFault(
        "lake.database_driver",
        Text(
            "{place}：{variable} 所写的驱动 {driver} 无法加载；请安装它，或更正 URL 中的驱动名",
            "{place}: the driver {driver} that {variable} names cannot be loaded; install it, or correct it in the URL",
        ),
        place=place,
        variable=variable,
        driver=driver,
    )


def database_failed(place: str, variable: str, reason: Text) -> EnvironmentFault:
    """A source's database cannot be reached, or gave up in the middle of an answer; nothing was changed."""
    return EnvironmentFault(
        "lake.database_failed",
        Text(
            "{place}：{variable} 的数据库没有给出完整回答（{reason}）；没有改动任何数据，请检查地址、账号和网络后重试",
            "{place}: the database of {variable} gave no whole answer ({reason}); nothing was changed, check address, "
            "account and network and load again",
        ),
        place=place,
        variable=variable,
        reason=reason,
    )


def query_failed(place: str, reason: Text) -> DataError:
    """A source's query that its database, or its files, do not answer."""
    return DataError(
        "lake.query_failed",
        Text(
            "{place}：查询无法执行（{reason}）；请对照表名和字段名更正 query",
            "{place}: the query does not run ({reason}); correct it by the names of tables and columns",
        ),
        place=place,
        reason=reason,
    )


def joined_line(place: str, line: int, rule: str) -> DataError:
    """A line that cannot be read in a file that others are joined with: without it, their rows would go missing unseen."""
    return DataError(
        "lake.joined_line",
        Text(
            "{place} 第 {line} 行无法读取（{rule}）；参与关联的文件不能缺行，请更正后重新装载",
            "{place}, line {line}, cannot be read ({rule}); a file that is joined must be whole, correct it and load again",
        ),
        place=place,
        line=line,
        rule=rule,
    )


def no_space(place: str) -> EnvironmentFault:
    """The disk is full; nothing was changed."""
    return EnvironmentFault(
        "lake.no_space",
        Text(
            "磁盘空间不足，无法写入 {place}；没有改动任何数据，请清理空间后重新运行",
            "the disk is full, cannot write {place}; nothing was changed, free some space and run again",
        ),
        place=place,
    )


def busy(place: str) -> LockedError:
    """Another command writes to the lake."""
    return LockedError(
        "lake.busy",
        Text(
            "另一个命令正在写数据湖（{place}）；请等它结束后重试",
            "another command is writing to the lake ({place}); try again when it has ended",
        ),
        place=place,
    )


@contextmanager
def guarded(place: str) -> Iterator[None]:
    """Turn a full disk, as the system or the engine reports it, into ``EnvironmentFault``."""
    try:
        yield
    except BankloopError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(place) from error
        if isinstance(error, PermissionError):
            raise no_permission(str(error.filename or place)) from error
        raise
    except duckdb.Error as error:
        if any(words in str(error).lower() for words in _NO_SPACE):
            raise no_space(place) from error
        raise


def not_whole_bank(purpose: str) -> DeniedError:
    """Return the refusal of unmasked tables to a reader whose scope is not the whole bank."""
    return DeniedError(
        "lake.not_whole_bank",
        Text(
            "用途“{purpose}”的数据范围不是全行，不能读未脱敏的整表；请经数据范围（Scope）读取",
            "the scope of '{purpose}' is not the whole bank, so whole tables in the clear are refused; read through "
            "the scope",
        ),
        purpose=purpose,
    )


def no_row(table: str, key: str, columns: str) -> NotFoundError:
    """Return the error of a row that a table does not have."""
    return NotFoundError(
        "lake.no_row",
        Text("表 {table} 的当前版本没有键为 {key} 的行（键：{columns}）；请核对", "the current version of {table} has no row of key {key} (key: {columns}); check it"),
        table=table, key=key, columns=columns,
    )  # fmt: skip
