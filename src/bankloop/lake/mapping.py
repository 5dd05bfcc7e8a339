"""How raw columns become conformed ones, as SQL: conversion, tokens for personal identifiers, what counts as failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bankloop.kit import grammar
from bankloop.kit.errors import DataError
from bankloop.kit.money import MAX_FEN
from bankloop.lake import errors
from bankloop.lake.columns import ColumnSource
from bankloop.lake.contracts import ColumnType, ContractColumn, DataClass
from bankloop.lake.engine import DUCK_TYPE, literal, name
from bankloop.lake.readers import RawFile
from bankloop.lake.rules import PHONE, ColumnCheck
from bankloop.lake.sources import Source

DEFAULT_YES = ("1", "Y", "y", "true", "True", "TRUE", "T", "是")
DEFAULT_NO = ("0", "N", "n", "false", "False", "FALSE", "F", "否")
# Hexadecimal digits of a token: 128 bits, where doubles among 1e9 people are out of reach.
_TOKEN_DIGITS = 32
_KEPT_VALUE = 40
_FLOATS = ("DOUBLE", "FLOAT")
_ENDS = literal(grammar.BLANKS + grammar.INVISIBLE)
_NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One conformed column: its SQL over the raw row, or over ``text`` of it; the value to show; what can fail.

    ``exact`` says that the stored column is the file's own; ``failed`` and ``phone`` that a text without a value is
    a broken row; ``pii`` of which kind of identifier it is the token; ``missing`` that the file lacks what it needs.
    """

    column: ContractColumn
    value: str
    shown: str
    exact: bool = False
    text: str | None = None
    failed: bool = False
    phone: bool = False
    pii: str = ""
    missing: bool = False


def map_columns(source: Source, raw: RawFile) -> list[Mapped]:
    """Return how each contract column is read from ``raw``; raise ``DataError`` for unknown or missing columns."""
    mapped, faults = try_columns(source, raw)
    if faults:
        raise faults[0]
    return mapped


def try_columns(source: Source, raw: RawFile) -> tuple[list[Mapped], list[DataError]]:
    """Return how each contract column is read, a missing one as nothing, and every fault of the mapping at once."""
    used: set[str] = set()
    mapped: list[Mapped] = []
    faults: list[DataError] = []
    for column in source.contract.columns:
        try:
            mapped.append(_map(source, raw, column, used))
        except DataError as error:
            faults.append(error)
            mapped.append(Mapped(column, f"CAST(NULL AS {DUCK_TYPE[column.type]})", "NULL", missing=True))
    if "*" not in source.ignore:
        known = [*source.contract.names, *(c.source for c in source.columns.values() if c.source), *source.ignore]
        faults += [
            errors.unknown_column(f"{raw.path.name} ({source.place})", column, known)
            for column in raw.columns
            if column not in used and column not in source.ignore
        ]
    return mapped, faults


def conversion_checks(mapped: Sequence[Mapped]) -> list[ColumnCheck]:
    """Return the checks on conversion, over the flags that ``typed_sql`` adds."""
    found = [ColumnCheck("type", m.column.name, name(f"_t_{m.column.name}")) for m in mapped if m.failed]
    return found + [ColumnCheck("phone", m.column.name, name(f"_p_{m.column.name}")) for m in mapped if m.phone]


def typed_sql(mapped: Sequence[Mapped], raw: str) -> str:
    """Return the query of typed rows over relation ``raw`` (alias r): place, columns, flags of failed conversions.

    Three steps, so that each text and each conversion is computed once: texts, values, flags.
    """
    texts, values, flags = ["r._file", "r._row"], ["_file", "_row"], ["_file", "_row"]
    for m in mapped:
        column = name(m.column.name)
        texts.append(f"{m.value} AS {column}" if m.text is None else f"{m.text} AS {_text(m.column)}")
        values.append(column if m.text is None else f"{m.value} AS {column}")
        flags.append(column)
        if m.failed or m.pii:
            values.append(_text(m.column))
        if m.pii:
            flags.append(f"{_text(m.column)} AS {plain_of(m.column)}")
        if m.failed:
            flags.append(f"({_text(m.column)} IS NOT NULL AND {column} IS NULL) AS {name('_t_' + m.column.name)}")
        if m.phone:
            flags.append(f"({_text(m.column)} IS NOT NULL AND {column} IS NULL) AS {name('_p_' + m.column.name)}")
    first = f"SELECT {', '.join(texts)} FROM {raw} AS r"
    return f"SELECT {', '.join(flags)} FROM (SELECT {', '.join(values)} FROM ({first}))"


def plain_of(column: ContractColumn) -> str:
    """Return the name, among typed rows, of the identifier that a token stands for."""
    return name(f"_i_{column.name}")


def _text(column: ContractColumn) -> str:
    return name(f"_r_{column.name}")


def _map(source: Source, raw: RawFile, column: ContractColumn, used: set[str]) -> Mapped:
    given = source.columns.get(column.name, ColumnSource(source=column.name))
    kind = DUCK_TYPE[column.type]
    if given.constant is not None:
        # A source's constant is a value of the column's type already: it goes the way of every text.
        value = _conversion(column.type, ColumnSource(), literal(given.constant), source.zone)
        return Mapped(column, f"CAST({value} AS {kind})", literal(given.constant))
    assert given.source is not None
    if given.source not in raw.types:
        if column.name not in source.columns and column.nullable:
            return Mapped(column, f"CAST(NULL AS {kind})", "NULL")
        raise errors.missing_column(f"{raw.path.name} ({source.place})", given.source, raw.columns)
    used.add(given.source)
    field, found = f"r.{name(given.source)}", raw.types[given.source]
    plain = given == ColumnSource(source=given.source)
    shown = _shown(column, given, f"CAST({field} AS VARCHAR)")
    if plain and found == kind and source.format == "parquet":
        return Mapped(column, field, shown, exact=given.source == column.name)
    if plain and column.type is ColumnType.TIMESTAMP and found in _NAIVE:
        zone = literal(given.zone or source.zone)
        return Mapped(column, f"timezone({zone}, CAST({field} AS TIMESTAMP))", shown)
    written = f"CAST({field} AS VARCHAR)"
    if found in _FLOATS:
        # As a decimal, because a small or large one is written with an exponent, which no amount has.
        written = f"coalesce(CAST(try_cast({field} AS DECIMAL(38, 10)) AS VARCHAR), {written})"
    text = _recoded(f"nullif({_trimmed(written)}, '')", given.values)
    return _converted(source, column, given, text, shown)


def _converted(source: Source, column: ContractColumn, given: ColumnSource, text: str, shown: str) -> Mapped:
    field = _text(column)
    if given.pii:
        return _token(source, column, given.pii, text, shown)
    if given.matches:
        return Mapped(column, f"coalesce(regexp_full_match({field}, '{PHONE}'), false)", shown, text=_digits(text))
    if column.type is ColumnType.STR:
        value = _word(field, key=column.name in source.contract.key or column.references is not None)
    else:
        value = _conversion(column.type, given, field, given.zone or source.zone)
    return Mapped(column, value, shown, text=text, failed=True)


def _conversion(kind: ColumnType, given: ColumnSource, text: str, zone: str) -> str:
    match kind:
        case ColumnType.STR:
            return text
        case ColumnType.INT if given.yuan:
            amount = f"round(try_cast(replace({text}, ',', '') AS DECIMAL(30, 10)) * 100, 0)"
            return _matching(
                text, grammar.AMOUNT, f"CASE WHEN abs({amount}) <= {MAX_FEN} THEN CAST({amount} AS BIGINT) END"
            )
        case ColumnType.INT:
            # The engine would round 1.5 to an integer in silence.
            return _matching(text, grammar.INTEGER, f"try_cast({text} AS BIGINT)")
        case ColumnType.BOOL:
            yes, no = (", ".join(map(literal, v)) for v in (given.yes or DEFAULT_YES, given.no or DEFAULT_NO))
            return f"CASE WHEN {text} IN ({yes}) THEN true WHEN {text} IN ({no}) THEN false END"
        case ColumnType.DATE if given.pattern:
            return f"CAST(try_strptime({text}, {literal(given.pattern)}) AS DATE)"
        case ColumnType.DATE:
            return _matching(text, grammar.DAY, f"try_cast({text} AS DATE)")
        case ColumnType.TIMESTAMP:
            if given.pattern:
                return f"timezone({literal(zone)}, try_strptime({text}, {literal(given.pattern)}))"
            zoned = f"try_cast(regexp_replace({text}, ' ?(Z|UTC)$', '+00:00') AS TIMESTAMPTZ)"
            local = f"timezone({literal(zone)}, try_cast({text} AS TIMESTAMP))"
            offset = f"length({text}) > 10 AND regexp_matches({text}, {literal(grammar.ZONED)})"
            return _matching(text, grammar.MOMENT, f"CASE WHEN {offset} THEN {zoned} ELSE {local} END")


def _matching(text: str, pattern: str, value: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, {literal(pattern)}) THEN {value} END"


def _word(text: str, *, key: bool) -> str:
    """Return a text that is one: without what cannot be printed, and as a key neither invisible nor a number's picture."""
    broken = f"regexp_matches({text}, {literal(grammar.UNPRINTABLE)})"
    if key:
        broken += f" OR regexp_matches({text}, {literal(f'[{grammar.INVISIBLE}]')})"
        broken += f" OR regexp_full_match({text}, {literal(grammar.NUMBER_SHOWN)})"
    return f"CASE WHEN NOT ({broken}) THEN {text} END"


def _recoded(text: str, values: Sequence[tuple[str, str | None]]) -> str:
    """Return a text with the bank's codes as ours, other texts as they are; "" stands for an empty cell."""
    if not values:
        return text
    cases = " ".join(
        f"WHEN {literal(code)} THEN {'NULL' if value is None else literal(value)}" for code, value in values
    )
    return f"CASE coalesce({text}, '') {cases} ELSE {text} END"


def _token(source: Source, column: ContractColumn, pii: str, text: str, shown: str) -> Mapped:
    plain = _digits(text) if pii == "phone" else f"upper({text})" if pii == "id_no" else text
    field = _text(column)
    inner = f"unhex(sha256(getvariable('token_inner') || encode({literal(pii + ':')} || {field})))"
    token = f"left(sha256(getvariable('token_outer') || {inner}), {_TOKEN_DIGITS})"
    if pii != "phone":
        value = f"CASE WHEN {_word(field, key=False)} IS NOT NULL THEN {token} END"
        return Mapped(column, value, shown, text=plain, failed=True, pii=pii)
    # Where validity is a column of its own read from the number, a bad number is a fact and not a broken row.
    known = any(c.matches == "phone" for c in source.columns.values())
    value = f"CASE WHEN regexp_full_match({field}, '{PHONE}') THEN {token} END"
    return Mapped(column, value, shown, text=plain, phone=not known, pii=pii)


def _trimmed(text: str) -> str:
    """Return a text without blanks and invisible signs around it, as ``grammar.clean_text``."""
    # Trimming by a set of signs costs twenty times what asking costs, and hardly any text needs it.
    ends = f"[{grammar.BLANKS}{grammar.INVISIBLE}]"
    return f"CASE WHEN regexp_matches({text}, {literal(f'^{ends}|{ends}$')}) THEN trim({text}, {_ENDS}) ELSE {text} END"


def _digits(text: str) -> str:
    """Return a number in the spelling of ``grammar.normal_phone``."""
    half = f"translate({text}, {literal(grammar.FULL_WIDTH)}, {literal(grammar.HALF_WIDTH)})"
    whole = f"regexp_replace({half}, {literal(grammar.PHONE_TAIL)}, '')"
    bare = f"regexp_replace({whole}, {literal(grammar.PHONE_NOISE)}, '', 'g')"
    spelled = f"nullif(ltrim(regexp_replace({bare}, {literal(grammar.PHONE_PREFIX)}, '\\2'), '+'), '')"
    # Nearly every number is written so already, and asking is a tenth of the work.
    return f"CASE WHEN regexp_full_match({text}, {literal(grammar.MOBILE)}) THEN {text} ELSE {spelled} END"


def _shown(column: ContractColumn, given: ColumnSource, text: str) -> str:
    if given.pii or column.data_class is DataClass.C2:
        return f"left({text}, 1) || '***(' || length({text}) || ')'"
    return f"left({text}, {_KEPT_VALUE})"
