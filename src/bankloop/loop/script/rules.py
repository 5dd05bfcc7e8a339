"""The wording check: forbidden phrases with their context, whatever spaces, widths or marks are put between.

非保本 passes, 保本 fails; 保 本, 保·本 and 保本 in full-width marks fail too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bankloop.kit.located import read_located
from bankloop.kit.text import Text

_FINDING = Text(
    "第 {start} 字起的“{phrase}”是禁用语（{id}，依据 {rule}）；请删除或改写",
    "'{phrase}' from character {start} is forbidden wording ({id}, {rule}); remove or rephrase it",
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One forbidden phrase; ``unless`` are beginnings that make it harmless."""

    id: str
    phrase: str
    rule: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordingFinding:
    """Where a forbidden phrase stands in a text: ``start`` (1-based) to ``end`` in characters of the original."""

    phrase: Phrase
    start: int
    end: int
    quoted: str

    @property
    def sentence(self) -> Text:
        """Return the finding as people read it."""
        return _FINDING.filled(start=self.start, phrase=self.quoted, id=self.phrase.id, rule=self.phrase.rule)


def check_wording(text: str) -> tuple[WordingFinding, ...]:
    """Return every forbidden phrase in ``text``, in order of place."""
    plain, places = _normalised(text)
    found = [finding for phrase in lexicon() for finding in _find(phrase, plain, places, text)]
    return tuple(sorted(found, key=lambda f: (f.start, f.phrase.id)))


def check_service(text: str) -> tuple[WordingFinding, ...]:
    """Return what a service text may not say, in order of place: forbidden wording, and anything that sells."""
    plain, places = _normalised(text)
    selling = [finding for phrase in sales_words() for finding in _find(phrase, plain, places, text)]
    return tuple(sorted((*check_wording(text), *selling), key=lambda f: (f.start, f.phrase.id)))


@cache
def sales_words() -> tuple[Phrase, ...]:
    """Return the words that make a text sell."""
    return _read("sales.yaml")


@cache
def lexicon() -> tuple[Phrase, ...]:
    """Return the forbidden phrases that come with the platform."""
    return _read("lexicon.yaml")


def _read(name: str) -> tuple[Phrase, ...]:
    return tuple(
        Phrase(p["id"], _normalised(p["phrase"])[0], p["rule"], tuple(_normalised(u)[0] for u in p.get("unless", ())))
        for p in read_located(Path(__file__).parent / name).content["phrases"]
    )


def _normalised(text: str) -> tuple[str, list[int]]:
    """Fold widths and case and drop what is neither letter nor digit; keep where each character came from."""
    plain, places = [], []
    for place, original in enumerate(text):
        for character in unicodedata.normalize("NFKC", original).casefold():
            if character.isalnum():
                plain.append(character)
                places.append(place)
    return "".join(plain), places


def _find(phrase: Phrase, plain: str, places: list[int], text: str) -> Iterator[WordingFinding]:
    at = plain.find(phrase.phrase)
    while at >= 0:
        if not plain[:at].endswith(phrase.unless or ("\0",)):
            start, end = places[at], places[at + len(phrase.phrase) - 1] + 1
            yield WordingFinding(phrase, start + 1, end, text[start:end])
        at = plain.find(phrase.phrase, at + 1)
