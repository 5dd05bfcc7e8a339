"""People's names made comparable: one spelling of each character, and what the whole sounds like.

``plain`` folds width, case and diacritics, drops punctuation and writes traditional characters as simplified ones.
``sound`` is a number of the letters of the name's pinyin, whatever their order and spacing: 歐陽娜, "OUYANG NA" and
"Na, Ouyang" are equal in it, and so is 王YAN, as a clerk types 王䶮 who does not find the character. All of it works on
whole columns: a name costs about a microsecond.
"""

from __future__ import annotations

import hashlib
import string
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Characters that sound otherwise as the first of a name than in general use.
_SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "朴": "piao", "盖": "ge",
    "缪": "miao", "尉": "yu", "翟": "zhai", "折": "she", "黑": "he", "种": "chong", "秘": "bi", "冼": "xian",
}  # fmt: skip
# A name is read up to here; what is longer differs earlier.
_LONGEST = 64
_FIRST_HAN = 0x2E80


def plain_names(names: pa.Array) -> pa.Array:
    """Return names in one spelling, null where nothing is left of them."""
    distinct = pc.unique(names.fill_null(""))
    folded = pa.array([plain_name(name) for name in distinct.to_pylist()], pa.string())
    folded = pc.if_else(pc.equal(folded, ""), pa.scalar(None, pa.string()), folded)
    return folded.take(pc.index_in(names.fill_null(""), distinct))


def plain_name(name: str) -> str:
    """Return one name in its one spelling, '' where nothing is left of it: as ``plain_names`` has it."""
    short = unicodedata.normalize("NFKC", name)[:_LONGEST].lower()
    return "".join(map(_plain_character, short.replace("\x00", "")))


def sounds(plain: pa.Array) -> pa.Array:
    """Return the 64-bit sound of each plain name; null of null."""
    text = plain.fill_null("")
    codes, lengths = _codes(text)
    values = np.zeros(len(codes) + 1, dtype=np.uint64)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if len(lengths) else lengths
    first = np.zeros(len(codes), dtype=bool)
    first[starts[lengths > 0]] = True
    known, places = np.unique(codes, return_inverse=True)
    general = np.array([_letters_number(_reading(chr(code))) for code in known], dtype=np.uint64)
    leading = np.array([_letters_number(_reading(chr(code), first=True)) for code in known], dtype=np.uint64)
    if len(codes):
        values[:-1] = np.where(first, leading[places], general[places])
    with np.errstate(over="ignore"):
        running = np.concatenate([[np.uint64(0)], np.cumsum(values[:-1], dtype=np.uint64)])
        total = running[starts + lengths] - running[starts]
    return pc.if_else(plain.is_valid(), pa.array(total.view(np.int64)), pa.scalar(None, pa.int64()))


@cache
def _plain_character(character: str) -> str:
    if ord(character) >= _FIRST_HAN:
        return "" if unicodedata.category(character)[0] in "PZS" else _simplified(character)
    bare = "".join(c for c in unicodedata.normalize("NFD", character) if c.isalpha() or c.isdigit())
    return bare if bare.isascii() else bare[:1]


@cache
def _simplified(character: str) -> str:
    return str(_converter().convert(character))


@cache
def _converter() -> Any:
    # Dictionaries are read once and only where names are compared.
    import opencc

    return opencc.OpenCC("t2s")


@cache
def _reading(character: str, *, first: bool = False) -> str:
    if first and character in _SURNAMES:
        return _SURNAMES[character]
    if ord(character) < _FIRST_HAN:
        return character
    from pypinyin import lazy_pinyin

    return lazy_pinyin(character)[0].replace("ü", "v")


def _letters_number(reading: str) -> int:
    """The sum of a fixed random number for each letter; ü is also typed as v or u, so that all three count as u."""
    return sum(_LETTER.get(letter) or _number(letter) for letter in reading.replace("v", "u")) % 2**64


def _number(letter: str) -> int:
    return int.from_bytes(hashlib.sha256(letter.encode()).digest()[:8])


_LETTER = {letter: _number(letter) for letter in string.ascii_lowercase}


def _codes(text: pa.Array) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the code points of all texts one after another, and how many each has."""
    lengths = np.asarray(pc.utf8_length(text), dtype=np.int64)
    whole = "".join(text.to_pylist())
    return np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), dtype=np.uint32), lengths
