"""A campaign's file edited from the console or the API: checked like any file, kept whole, the slower editor told."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from sqlalchemy import text

from bankloop.kit.entries import on_one_line
from bankloop.kit.errors import InputError, NotFoundError, StaleError
from bankloop.kit.ids import digest_bytes
from bankloop.kit.text import Language, Text
from bankloop.loop.bank import Bank
from bankloop.loop.spec import read_campaign
from bankloop.store.audit import record_audit
from bankloop.store.contracts import Principal
from bankloop.store.verbs import verb

# What an editor had before them where there is no file yet.
NEW = ""
# The campaigns that a new bank may begin with, by name.
TEMPLATES = ("savers",)
_TEMPLATES = Path(__file__).parent / "templates"
_AUDIENCE = re.compile(r"^audience: .*$", re.MULTILINE)
_STATED = re.compile(r"(?<=^  stated: )\{.*?\}", re.MULTILINE)
# A comment of a template is in both languages.
_COMMENT = re.compile(r"# (?P<zh>.*?) / (?P<en>.*)$", re.MULTILINE)
# Of who signs, and of what it rests on: a sentence.
_SENTENCE = 200
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def campaign_file(bank: Bank, name: str) -> tuple[str, str]:
    """Return the text of a campaign's file and its digest, by which an editor says what they had before them."""
    place = _place(bank, name)
    written = place.read_bytes()
    return written.decode("utf-8-sig"), digest_bytes([written])


@verb("campaign.edit")
def edit_campaign(bank: Bank, principal: Principal, name: str, content: str, seen: str) -> str:
    """Keep a new text of a campaign's file and return its digest; the lock that is approved or runs does not change.

    Raises ``StaleError`` where the file is no longer the one with digest ``seen`` (``NEW`` where there is to be none),
    ``SpecError`` with the line for what cannot be.
    """
    place = bank.folder / "campaigns" / f"{checked_name(name)}.yaml" if seen == NEW else _place(bank, name)
    with bank.store.begin(principal) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"campaign-file:{name}"})
        before = digest_bytes([place.read_bytes()]) if place.exists() else NEW
        if before != seen:
            raise _stale(name)
        place.parent.mkdir(exist_ok=True)
        with _draft_beside(place) as draft:
            _write(draft, content.replace("\r\n", "\n"))
            read_campaign(draft, bank.spec, bank.catalogue.open_types)
            after = digest_bytes([draft.read_bytes()])
            record_audit(connection, "campaign.edit", "campaign", name, {"file": before}, {"file": after})
            os.replace(draft, place)
    vars(bank).pop("spec", None)  # read anew from the files
    return after


def first_campaign(
    template: str, audience: str, *, owner: str, source: str, on: date, language: Language = Language.EN
) -> str:
    """Return the text of a campaign by a template, for an audience of one's own, its comments in one language.

    ``owner`` signs the template's shares on a day and says what they rest on (``source``). Raises ``InputError``
    without either: nobody's word is made up.
    """
    who, why = (" ".join(said.split())[:_SENTENCE] for said in (owner, source))
    if not who or not why:
        raise unsigned()
    signed = f"{{owner: {on_one_line([who])[1:-1]}, on: {on}, source: {on_one_line([why])[1:-1]}}}"
    written = (_TEMPLATES / f"{template}.yaml").read_text(encoding="utf-8")
    written = _COMMENT.sub(lambda found: f"# {found[language.value]}", written)
    written = _STATED.sub(lambda _: signed, written, count=1)
    return _AUDIENCE.sub(lambda _: f"audience: {on_one_line(audience)}", written, count=1)


def unsigned() -> InputError:
    """A first campaign whose shares nobody answers for."""
    return InputError(
        "campaign.unsigned",
        Text(
            "先验写明触达赢得和失去的比例，要有人负责：请填写由谁署名、依据是什么",
            "the shares that contacts win and lose are somebody's word: say who signs them and what they rest on",
        ),
    )


def checked_name(name: str) -> str:
    """Return the name of a campaign to be; raise ``InputError`` for what is none."""
    if not _NAME.fullmatch(name):
        raise InputError(
            "campaign.name",
            Text("战役名用小写字母、数字和 -：{name}", "a campaign is named by small letters, digits and -: {name}"),
            name=name[:64],
        )
    return name


def _place(bank: Bank, name: str) -> Path:
    campaign = bank.campaign(name)  # a name of the bank's own: no path is made of what somebody sent
    place = bank.folder / "campaigns" / f"{campaign.campaign}.yaml"
    if not place.is_file():
        raise NotFoundError(
            "campaign.no_file",
            Text("{name} 没有自己的文件 campaigns/{name}.yaml；请在本机修改", "{name} has no file campaigns/{name}.yaml of its own; edit it on the machine"),
            name=name,
        )  # fmt: skip
    return place


@contextmanager
def _draft_beside(place: Path) -> Iterator[Path]:
    """Give a place for a draft of a file, of the same name; what a killed edit left is cleared by the file's next one."""
    room = place.parent / f".edit-{place.stem}"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    try:
        yield room / place.name
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _write(place: Path, content: str) -> None:
    with place.open("w", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _stale(name: str) -> StaleError:
    return StaleError(
        "campaign.stale",
        Text("{name} 的文件已被他人改动；请对照新内容后再保存", "the file of {name} was changed by somebody else meanwhile; compare with what is there now and save again"),
        name=name,
    )  # fmt: skip
