"""What every refusal that a person reads must be: a code, the place, words in both languages, and no engine's sentence."""

from __future__ import annotations

import re

from bankloop.kit.errors import BankloopError

# Whoever reads an error uses none of these; the address of a database may name its driver.
_ENGINES = (
    "traceback", "duckdb", "(?<![+])psycopg", "sqlalchemy", "sqlglot", "pandas", "pyarrow", "arrowinvalid", "openpyxl", "pydantic",
    "numpy", "zipfile", "libyaml", "fastapi", "starlette", "json.decoder", "nonetype", r"(?-i:\bNone\b)", r"[a-z]+error\b",
    "exception", "badzip", "input should", "value error", "catalog error", "binder", "int64", "bigint", "varchar", "hugeint",
    r"numeric_\w+", r"\bstr\b", r"\bdict\b", r"\[errno", "0x[0-9a-f]{4}", "<class", "object at", "violates", "unhashable",
    "constructor", "strptime", "codec", "unicodedecode", "struct_pack", "positional argument", r"text\(zh",
)  # fmt: skip
ENGINES = re.compile("|".join(_ENGINES), re.IGNORECASE)
_CHINESE = re.compile("[\u4e00-\u9fff]")
# Punctuation of the other language is a sentence that was not translated.
_MARKS = re.compile("[；，。（）]")
_CODE = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+")


def no_engine_in(words: str, given: str = "") -> None:
    """Fail where words hold an engine's, unless whoever is refused wrote them."""
    found = [one[0] for one in ENGINES.finditer(words) if one[0].lower() not in given.lower()]
    assert not found, (found, words)


def sound(code: str, zh: str, en: str, place: str, given: str = "") -> None:
    """Fail unless a refusal says what, where and why in both languages, in words of ours."""
    assert _CODE.fullmatch(code), code
    assert _CHINESE.search(zh), zh
    assert zh != en
    assert not _MARKS.search(en) or _MARKS.search(given), en
    # A reason or a cure follows the place.
    assert re.search("[；：，。]", zh), zh
    assert re.search("[;:,]", en), en
    for words in (zh, en):
        assert place in words, (place, words)
        no_engine_in(words, given)


def sound_error(error: BankloopError, place: str, given: str = "") -> None:
    """Fail unless an error of ours is sound as it is told and as JSON has it."""
    sound(error.code, error.message.zh, error.message.en, place, given)
    no_engine_in(str(error.as_dict()), given)
