"""Texts in two languages: Chinese first, English complete.

Whatever a person reads is a ``Text``; a room keeps its own in ``texts.py``. Nothing here knows a room.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """The two languages of every page, report and error."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or label in both languages, with ``{named}`` slots."""

    zh: str
    en: str

    def filled(self, **fields: object) -> Text:
        """Return the text with its slots filled; a ``Text`` given as a field is filled in per language."""
        return Text(
            zh=self.zh.format(**{k: v.zh if isinstance(v, Text) else v for k, v in fields.items()}),
            en=self.en.format(**{k: v.en if isinstance(v, Text) else v for k, v in fields.items()}),
        )

    def say(self, language: Language) -> str:
        """Return the text in ``language``."""
        return self.zh if language is Language.ZH else self.en
