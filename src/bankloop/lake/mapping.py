"""How raw columns become conformed ones, as SQL: conversion, tokens for personal identifiers, what counts as failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankloop.lake import errors
from bankloop.lake.contracts import Column, ColumnType, DataClass
from bankloop.lake.engine import DUCK_TYPE, literal, name
from bankloop.lake.readers import RawFile
from bankloop.lake.rules import PHONE, Check
from bankloop.lake.sources import ColumnSource, Source

DEFAULT_YES = ("1", "Y", "y", "true", "True", "TRUE", "T", "是")
DEFAULT_NO = ("0", "N", "n", "false", "False", "FALSE", "F", "否")
# Hexadecimal digits of a token: 128 bits, where doubles among 1e9 people are out of reach.
_TOKEN_DIGITS = 32
_KEPT_VALUE = 40
_NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One conformed column: its SQL over the raw row, the SQL that is true when converting failed, the value to show."""

    column: Column
    value: str
    failed: str | None
    shown: str
    exact: bool
    phone: str | None = None


def map_columns(source: Source, raw: RawFile) -> list[Mapped]:
    """Return how each contract column is read from ``raw``; raise ``DataError`` for unknown or missing columns."""
    used: set[str] = set()
    mapped = [_map(source, raw, column, used) for column in source.contract.columns]
    if "*" not in source.ignore:
        known = [*source.contract.names, *(c.source for c in source.columns.values() if c.source), *source.ignore]
        for column in raw.columns:
            if column not in used and column not in source.ignore:
                raise errors.unknown_column(f"{raw.path.name} ({source.place})", column, known)
    return mapped


def conversion_checks(mapped: Sequence[Mapped]) -> list[Check]:
    """Return the checks on conversion, over the flags that ``typed_sql`` adds."""
    found = [Check("type", m.column.name, name(f"_t_{m.column.name}")) for m in mapped if m.failed]
    return found + [Check("phone", m.column.name, name(f"_p_{m.column.name}")) for m in mapped if m.phone]


def typed_sql(mapped: Sequence[Mapped], raw: str) -> str:
    """Return the query of typed rows over relation ``raw`` (alias r): place, columns, flags of failed conversions."""
    parts = ["r._file", "r._row"]
    for m in mapped:
        parts.append(f"{m.value} AS {name(m.column.name)}")
        if m.failed:
            parts.append(f"{m.failed} AS {name('_t_' + m.column.name)}")
        if m.phone:
            parts.append(f"{m.phone} AS {name('_p_' + m.column.name)}")
    return f"SELECT {', '.join(parts)} FROM {raw} AS r"


def _map(source: Source, raw: RawFile, column: Column, used: set[str]) -> Mapped:
    given = source.columns.get(column.name, ColumnSource(source=column.name))
    kind = DUCK_TYPE[column.type]
    if given.constant is not None:
        return Mapped(column, f"CAST({literal(given.constant)} AS {kind})", None, literal(given.constant), exact=False)
    assert given.source is not None
    if given.source not in raw.types:
        if column.name not in source.columns and column.nullable:
            return Mapped(column, f"CAST(NULL AS {kind})", None, "NULL", exact=False)
        raise errors.missing_column(f"{raw.path.name} ({source.place})", given.source, raw.columns)
    used.add(given.source)
    field, found = f"r.{name(given.source)}", raw.types[given.source]
    plain = given == ColumnSource(source=given.source)
    shown = _shown(column, given, f"CAST({field} AS VARCHAR)")
    if plain and found == kind and column.type is not ColumnType.STR:
        return Mapped(column, field, None, shown, exact=given.source == column.name)
    if plain and column.type is ColumnType.TIMESTAMP and found in _NAIVE:
        return Mapped(column, f"timezone('UTC', CAST({field} AS TIMESTAMP))", None, shown, exact=False)
    if plain and column.type is ColumnType.STR and found == kind and source.format == "parquet":
        return Mapped(column, field, None, shown, exact=given.source == column.name)
    text = f"nullif(trim(CAST({field} AS VARCHAR)), '')"
    return _converted(source, column, given, text, shown)


def _converted(source: Source, column: Column, given: ColumnSource, text: str, shown: str) -> Mapped:
    if given.pii:
        return _token(source, column, given.pii, text, shown)
    if given.matches:
        return Mapped(
            column, f"coalesce(regexp_full_match({_digits(text)}, '{PHONE}'), false)", None, shown, exact=False
        )
    value = _conversion(column.type, given, text, given.zone or source.zone)
    failed = None if column.type is ColumnType.STR else f"({text} IS NOT NULL AND {value} IS NULL)"
    return Mapped(column, value, failed, shown, exact=False)


def _conversion(kind: ColumnType, given: ColumnSource, text: str, zone: str) -> str:
    match kind:
        case ColumnType.STR:
            return text
        case ColumnType.INT if given.yuan:
            amount = f"try_cast(replace({text}, ',', '') AS DECIMAL(30, 10))"
            return f"try_cast(round({amount} * 100, 0) AS BIGINT)"
        case ColumnType.INT:
            # The engine would round 1.5 to an integer in silence.
            return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN try_cast({text} AS BIGINT) END"
        case ColumnType.BOOL:
            yes, no = (", ".join(map(literal, v)) for v in (given.yes or DEFAULT_YES, given.no or DEFAULT_NO))
            return f"CASE WHEN {text} IN ({yes}) THEN true WHEN {text} IN ({no}) THEN false END"
        case ColumnType.DATE if given.pattern:
            return f"CAST(try_strptime({text}, {literal(given.pattern)}) AS DATE)"
        case ColumnType.DATE:
            return f"try_cast({text} AS DATE)"
        case ColumnType.TIMESTAMP:
            if given.pattern:
                return f"timezone({literal(zone)}, try_strptime({text}, {literal(given.pattern)}))"
            offset = f"length({text}) > 19 AND regexp_matches({text}, '(Z|[+-][0-9][0-9](:?[0-9][0-9])?)$')"
            local = f"timezone({literal(zone)}, try_cast({text} AS TIMESTAMP))"
            return f"CASE WHEN {offset} THEN try_cast({text} AS TIMESTAMPTZ) ELSE {local} END"


def _token(source: Source, column: Column, pii: str, text: str, shown: str) -> Mapped:
    plain = _digits(text) if pii == "phone" else f"upper({text})" if pii == "id_no" else text
    inner = f"unhex(sha256(getvariable('token_inner') || encode({literal(pii + ':')} || {plain})))"
    token = f"left(sha256(getvariable('token_outer') || {inner}), {_TOKEN_DIGITS})"
    if pii != "phone":
        return Mapped(column, token, None, shown, exact=False)
    good = f"regexp_full_match({_digits(text)}, '{PHONE}')"
    # Where validity is a column of its own, a bad number is a fact about the customer and not a broken row.
    known = any(c.matches == "phone" for c in source.columns.values())
    bad = None if known else f"coalesce(NOT {good}, false)"
    return Mapped(column, f"CASE WHEN {good} THEN {token} END", None, shown, exact=False, phone=bad)


def _digits(text: str) -> str:
    bare = f"regexp_replace({text}, '[ +-]', '', 'g')"
    return f"CASE WHEN length({bare}) = 13 AND starts_with({bare}, '86') THEN substr({bare}, 3) ELSE {bare} END"


def _shown(column: Column, given: ColumnSource, text: str) -> str:
    if given.pii or column.data_class is DataClass.C2:
        return f"left({text}, 1) || '***(' || length({text}) || ')'"
    return f"left({text}, {_KEPT_VALUE})"
