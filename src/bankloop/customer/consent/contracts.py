"""What crosses the door of consent: purposes and stops, words, what stands for a person, rulings with their reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bankloop.kit.text import Text

ANY_CHANNEL = "*"
THE_BANK = "bank"


class Purpose(StrEnum):
    """What a word is about: five purposes that a customer may allow, three stops that a customer may set."""

    MARKETING = "marketing"
    EXPERIENCE = "experience"
    SURVEY = "survey"
    SHARING = "sharing"
    SENSITIVE = "sensitive"
    NO_PERSONALISATION = "no_personalisation"
    NO_MARKETING = "no_marketing"
    DO_NOT_CONTACT = "do_not_contact"

    @property
    def stop(self) -> bool:
        """Return whether it restricts while it stands."""
        return self in STOPS


# A stop restricts while it stands; every other purpose allows.
STOPS = (Purpose.NO_PERSONALISATION.value, Purpose.NO_MARKETING.value, Purpose.DO_NOT_CONTACT.value)

# 央行令〔2020〕5 号: marketing, experience and survey are three choices; 个保法 23, 29: separate consent; 24: the two stops.
TITLES: Mapping[Purpose, Text] = {
    Purpose.MARKETING: Text("营销", "Marketing"),
    Purpose.EXPERIENCE: Text("体验改进", "Improving the experience"),
    Purpose.SURVEY: Text("市场调查", "Surveys"),
    Purpose.SHARING: Text("向第三方提供（单独同意）", "Sharing with others (separate consent)"),
    Purpose.SENSITIVE: Text("敏感个人信息（单独同意）", "Sensitive personal data (separate consent)"),
    Purpose.NO_PERSONALISATION: Text("关闭个性化", "No personalisation"),
    Purpose.NO_MARKETING: Text("停止全部营销", "No marketing at all"),
    Purpose.DO_NOT_CONTACT: Text("禁拨名单", "Do-not-contact list"),
}


class Content(StrEnum):
    """What may be shown to a person where something is shown: chosen for them, the same for all, or nothing."""

    PERSONAL = "personal"
    GENERIC = "generic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said about a purpose, for a channel and a recipient, and when."""

    purpose: Purpose
    stands: bool
    said_at: datetime
    channel: str = ANY_CHANNEL
    recipient: str = THE_BANK


@dataclass(frozen=True, slots=True)
class ConsentRuling:
    """Whether something may be, by which rule, and why."""

    allowed: bool
    code: str
    reason: Text


@dataclass(frozen=True, slots=True)
class ConsentStanding:
    """The words that hold for a person now: the latest of each purpose, channel and recipient."""

    customer_no: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the ledger with its evidence: where it was said, how it is proven, who wrote it down."""

    record_no: int
    customer_no: str
    purpose: Purpose
    channel: str
    recipient: str
    stands: bool
    said_at: datetime
    origin: str
    evidence: Mapping[str, Any]
    made_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a word did: whether anything changed, and the marketing tasks that it called off."""

    standing: ConsentStanding
    changed: bool
    tasks: int


@dataclass(frozen=True, slots=True)
class ConsentReport:
    """What a load brought: words new in the files, removals from do-not-contact that a file cannot make, tasks called off."""

    words: int
    kept: int
    tasks: int = 0
