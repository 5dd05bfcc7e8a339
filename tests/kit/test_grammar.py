"""One grammar a type: what it takes and refuses, and that the engine and Python read it alike."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit import grammar
from bankloop.kit.errors import InputError
from bankloop.kit.grammar import normal_phone, read_amount, read_day, read_moment
from bankloop.lake.mapping import _digits

_TAKEN = {
    grammar.AMOUNT: ["0", "1234.56", "1,234.56", "-12", "+3", "12,345,678.9", "007"],
    grammar.DAY: ["1980-01-05", "1900/1/1", "2100-12-31", "2026-11-30 00:00:00", "2026-11-30T00:00"],
    grammar.MOMENT: [
        "2026-08-19 10:00:00", "2026-08-19T10:00Z", "2026-08-19 10:00:00 UTC", "2026-08-19 10:00:00.123+08",
        "2026-08-19 10:00:00+0800", "2026-08-19 10:00:00+08:00", "2026-08-19",
    ],
    grammar.NUMBER_SHOWN: ["6.22202E+18", "123.0", "1e5", "5."],
}  # fmt: skip
_REFUSED = {
    grammar.AMOUNT: ["1.234,56", "1,23", "12,34,56", "1e3", "1,2345", ".5", "1.", "1_000", "", "１", "¥1", "1 000"],
    grammar.DAY: [
        "24-02-03", "99-12-31", "epoch", "2024-02-03 (BC)", "-infinity", "20267-05-01", "26-12-01", "1899-12-31",
        "2101-01-01", "2026-13-01", "20260101", "2026-1-32", "2026-11-30 10:00",
    ],
    grammar.MOMENT: ["2026-08-19 10:00:00 PM", "2026-08-19 24:00:00", "now", "2026-08-19 10:00 CST", "26-08-19 10:00:00"],
    grammar.NUMBER_SHOWN: ["K1", "00123", "1.5", "6222021234567890123"],
}  # fmt: skip
_CASES = [
    (pattern, text, taken)
    for texts, taken in ((_TAKEN, True), (_REFUSED, False))
    for pattern, written in texts.items()
    for text in written
]


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.mark.parametrize(("pattern", "text", "taken"), _CASES)
def test_what_a_text_is_is_decided_alike_everywhere(
    engine: duckdb.DuckDBPyConnection, pattern: str, text: str, taken: bool
) -> None:
    assert bool(re.fullmatch(pattern, text)) is taken
    assert engine.execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchall() == [(taken,)]


@pytest.mark.parametrize(
    "written",
    [
        "13900000001", "0086 13900000001", "(+86)13900000001", "13900000001".translate(str.maketrans("0123456789", "０１２３４５６７８９")), "13900000001.0",
        "139\u00a00000\u00a00001", "13900000001\u200b", "\u202d13900000001\u202c", "+86-139-0000-0001", "86 139 0000 0001",
        "\ufeff13900000001", "（+86）139 0000 0001",
    ],
)  # fmt: skip
def test_a_number_has_one_spelling(engine: duckdb.DuckDBPyConnection, written: str) -> None:
    wanted = "13900000001"
    assert normal_phone(written) == wanted
    ends = grammar.BLANKS + grammar.INVISIBLE
    assert engine.execute(f"SELECT {_digits('t')} FROM (SELECT trim(?, ?) AS t)", [written, ends]).fetchall() == [
        (wanted,)
    ]


@given(st.text(alphabet="0123456789+-() .\u00a0\u200b\u202d\u3000１３９８６－abc", max_size=20))
def test_the_engine_and_python_spell_a_number_alike(written: str) -> None:
    ends = grammar.BLANKS + grammar.INVISIBLE
    with duckdb.connect() as engine:
        found = engine.execute(f"SELECT {_digits('t')} FROM (SELECT trim(?, ?) AS t)", [written, ends]).fetchall()[0][0]
    assert (found or "") == normal_phone(written)


def test_an_amount_is_read_or_refused() -> None:
    assert read_amount(" 1,234.56\u200b") == 123_456
    assert read_amount("-0.005") == -1
    for text in (*_REFUSED[grammar.AMOUNT], "9" * 20):
        with pytest.raises(InputError):
            read_amount(text)


@given(day=st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_a_day_of_the_grammar_is_that_day_and_none_else_is_read(day: date) -> None:
    assert read_day(day.isoformat()) == read_day(f"{day.year}/{day.month}/{day.day}") == day
    for wrong in (f"{day.year}-02-30", f"{day:%y-%m-%d}", str(day.toordinal()), f"{day} 10:00"):
        with pytest.raises(InputError) as caught:
            read_day(wrong)
        assert caught.value.code == "day.grammar"


@given(
    moment=st.builds(datetime.combine, st.dates(date(1901, 1, 1), date(2100, 12, 30)), st.times()),
    offset=st.integers(-19 * 60, 19 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_a_moment_is_read_in_the_zone_that_it_says(moment: datetime, offset: timezone) -> None:
    assert read_moment(moment.replace(tzinfo=offset).isoformat()) == moment.replace(tzinfo=offset)
    assert read_moment(f"{moment.isoformat()}Z", offset) == moment.replace(tzinfo=UTC)
    assert read_moment(moment.isoformat(), offset) == moment.replace(tzinfo=offset)
    with pytest.raises(InputError, match="with its zone"):
        read_moment(moment.isoformat())


def test_a_moment_without_a_zone_is_of_its_source_s() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    assert read_moment("2026-06-30 23:30", shanghai) == datetime(2026, 6, 30, 15, 30, tzinfo=UTC)
    assert read_moment("2026-06-30", shanghai) == datetime(2026, 6, 29, 16, tzinfo=UTC)
    for wrong in ("2026-06-30 25:00Z", "2026-06-31 10:00Z", "1782786600", "now", ""):
        with pytest.raises(InputError):
            read_moment(wrong, shanghai)
