"""Pure rules of consent: which word holds, who may be contacted over a channel, what may be shown, who may say what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from bankloop.customer.ages import GUARDED
from bankloop.customer.consent.contracts import ANY_CHANNEL, THE_BANK, TITLES, ConsentRuling, Content, Purpose, Word
from bankloop.kit.text import Text

# Where a person says something: at the counter, in the app, to a manager, to a caller, by answering a message, in writing.
ORIGINS = ("counter", "app", "manager", "call", "message", "letter")
_ALLOWED = ConsentRuling(True, "", Text("可以", "allowed"))


def holds(words: Iterable[Word], purpose: Purpose, channel: str = ANY_CHANNEL, recipient: str = THE_BANK) -> bool:
    """Return whether a purpose is allowed, or a stop is set, over a channel: by the latest word about it; nothing said is no.

    A word for all channels is about each of them. Of two words of one moment the stricter holds.
    """
    about = [
        w for w in words if w.purpose is purpose and w.recipient == recipient and w.channel in (ANY_CHANNEL, channel)
    ]
    return max(about, key=lambda word: (word.said_at, word.stands is purpose.stop)).stands if about else False


def may_contact(words: Collection[Word], channel: str) -> ConsentRuling:
    """Return whether marketing may reach a person over a channel now, and by which word not."""
    if holds(words, Purpose.DO_NOT_CONTACT, channel):
        return ConsentRuling(False, Purpose.DO_NOT_CONTACT, Text("在禁拨名单中", "on the do-not-contact list"))
    if holds(words, Purpose.NO_MARKETING, channel):
        return ConsentRuling(
            False, Purpose.NO_MARKETING, Text("客户要求停止全部营销", "the customer stopped all marketing")
        )
    if not holds(words, Purpose.MARKETING, channel):
        return ConsentRuling(False, "no_consent", Text("没有营销同意，未同意即不允许", "no consent to marketing; what is not allowed is forbidden"))  # fmt: skip
    return _ALLOWED


def content_for(words: Collection[Word]) -> Content:
    """Return what may be shown to a person (个保法 24): nothing promotional, the same for everybody, or chosen for them."""
    if holds(words, Purpose.NO_MARKETING):
        return Content.NONE
    consented = holds(words, Purpose.MARKETING)
    return Content.PERSONAL if consented and not holds(words, Purpose.NO_PERSONALISATION) else Content.GENERIC


def may_say(
    word: Word,
    origin: str,
    evidence: Mapping[str, str],
    now: datetime,
    *,
    stops_only: bool,
    age: int | None = None,
) -> ConsentRuling:
    """Return whether a word may be written down as it is handed in; ``age`` is the customer's, where it is known.

    ``stops_only``: who writes meets the customer by a task alone, and may take a refusal but no consent.
    """
    if origin not in ORIGINS:
        return _no("origin", f"来源应为：{'、'.join(ORIGINS)}", f"the origin is one of {', '.join(ORIGINS)}")
    if word.said_at > now:
        return _no("future", "说话的时间不能晚于现在", "it cannot have been said later than now")
    if word.purpose is Purpose.DO_NOT_CONTACT and not word.stands:
        return _no("dnc_removal", "移出禁拨名单须经审批：bankloop customer dnc", "leaving the do-not-contact list needs approval: bankloop customer dnc")  # fmt: skip
    if word.purpose is Purpose.SHARING and word.recipient == THE_BANK:
        return _no("recipient", "向第三方提供必须写明接收方", "sharing needs the recipient's name")
    loosens = word.stands is not word.purpose.stop
    if loosens and stops_only:
        return _no("stops_only", "只凭任务接触客户的人只能记录拒绝，不能记录同意", "who meets a customer by a task alone records refusals, not consents")  # fmt: skip
    if loosens and not all(str(evidence.get(key, "")).strip() for key in ("form", "proof")):
        return _no("evidence", "记录同意必须有凭证：form（告知文本版本）和 proof（签字、录音或点击的凭证号）", "a consent needs evidence: form (the wording shown) and proof (of signature, recording or click)")  # fmt: skip
    if loosens and age is not None and age < GUARDED and not str(evidence.get("guardian", "")).strip():
        return _no("guardian", f"未满 {GUARDED} 周岁，须由监护人同意：凭证写明 guardian（监护关系与签字的凭证号）", f"under {GUARDED} a guardian consents: evidence names guardian (proof of guardianship and signature)")  # fmt: skip
    return _ALLOWED


def title_of(word: Word) -> Text:
    """Return a word as a person reads it."""
    where = Text("", "") if word.channel == ANY_CHANNEL else Text(f"（{word.channel}）", f" ({word.channel})")
    whom = Text("", "") if word.recipient == THE_BANK else Text(f" → {word.recipient}", f" → {word.recipient}")
    named = TITLES[word.purpose]
    return Text(f"{named.zh}{where.zh}{whom.zh}", f"{named.en}{where.en}{whom.en}")


def _no(code: str, zh: str, en: str) -> ConsentRuling:
    return ConsentRuling(False, code, Text(zh, en))
