"""A trigger's rule edited from the console or the API: checked like any file, kept in its place.

What is in force goes on as it was approved; the rule as it is kept is a draft until it is submitted.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bankloop.journey.trigger import errors
from bankloop.journey.trigger.reader import OWN, triggers_in
from bankloop.journey.trigger.service import vocabulary_of
from bankloop.kit.entries import entry_as_written, with_entry_as_written
from bankloop.kit.errors import StaleError
from bankloop.kit.ids import digest_bytes
from bankloop.kit.located import read_located
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.verbs import verb

_ALONE = text("SELECT pg_advisory_xact_lock(hashtext(:key))")
_EMPTY = "format: 1\ntriggers:\n"
# What a new rule begins with.
_EXAMPLE = """\
trigger: wealth-look
title: {zh: 看了理财没有买, en: looked at wealth and did not buy}
when: {event: page_view, where: "event_page = 'wealth'", times: 3, within: 24h, without: [wealth_purchase]}
rest: 7d
then:
  - task:
      title: {zh: 客户多次浏览理财，请联系, en: the customer looked at wealth products several times; have a word}
      within: 8h
"""


def trigger_rule(bank: Bank, name: str = "") -> tuple[str, str]:
    """Return a trigger's rule as it is written and the file's digest, which a change of it must name.

    Without a name it is what a new rule begins with. Raises ``NotFoundError`` with the nearest name.
    """
    written, seen = _file(bank)
    if not name:
        return _EXAMPLE, seen
    if not written:
        raise errors.unknown_trigger(name, ())
    located = read_located(bank.folder / OWN)
    found = entry_as_written(located, written, "triggers", "trigger", name)
    if not found:
        raise errors.unknown_trigger(name, triggers_in(located, vocabulary_of(bank)))
    return found, seen


@verb("trigger.edit")
def keep_rule(bank: Bank, principal: Principal, rule: str, seen: str) -> str:
    """Keep a trigger's rule in the bank's file, in place of the one of its name, and return its name.

    Raises ``SpecError`` with the line of the rule for what cannot be, ``StaleError`` where the file is no longer the
    one with digest ``seen``.
    """
    with bank.store.begin(principal) as connection, TemporaryDirectory(prefix=".edit-", dir=bank.folder) as room:
        connection.execute(_ALONE, {"key": f"bank-file:{OWN}"})
        written, now = _file(bank)
        if now != seen:
            raise _stale()
        name = _checked(bank, Path(room), rule)
        draft, before = Path(room) / OWN, written or _EMPTY
        draft.write_text(before, encoding="utf-8", newline="\n")
        after = with_entry_as_written(read_located(draft), before, "triggers", "trigger", name, rule)
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        triggers_in(read_located(draft), vocabulary_of(bank))
        change = {"file": digest_bytes([after.encode()])}
        record_audit(connection, "trigger.edit", "trigger", name, {"file": now}, change)
        os.replace(draft, bank.folder / OWN)
    return name


def _checked(bank: Bank, room: Path, rule: str) -> str:
    """Return the name of a rule that can be; what cannot is refused with the line as its editor sees it."""
    place = room / "rule.yaml"
    place.write_text(rule.replace("\r\n", "\n"), encoding="utf-8", newline="\n")
    located = read_located(place)
    lines = {("triggers", 0, *route): line for route, line in located.lines.items()}
    alone = type(located)(located.path, {"format": 1, "triggers": [located.content]}, lines)
    return next(iter(triggers_in(alone, vocabulary_of(bank))))


def _file(bank: Bank) -> tuple[str, str]:
    place = bank.folder / OWN
    if not place.exists():
        return "", ""
    written = place.read_bytes()
    return written.decode("utf-8-sig"), digest_bytes([written])


def _stale() -> StaleError:
    return StaleError(
        "trigger.stale",
        Text(
            "触发器文件已被他人改动；请重新打开，对照新内容后再保存",
            "the file of triggers was changed by somebody else meanwhile; open it again, compare and save again",
        ),
    )
