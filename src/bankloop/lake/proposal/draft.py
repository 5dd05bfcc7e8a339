"""What is being brought to a bank from a browser: files taken in one by one, and answers, until a bank is made of them.

It lies in the bank's own folder, so that it outlives a session and is the same for everybody who may load; of two who
change it at once the slower one is told. Nothing of it is loaded, and it ends with the bank that is made of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from bankloop.kit.bounded import read_json
from bankloop.kit.errors import ConflictError, InputError, NotFoundError, StaleError
from bankloop.kit.ids import digest_bytes
from bankloop.kit.text import Text
from bankloop.lake import errors
from bankloop.lake.proposal.adding import LOCK, check_new, names_there, settle_sources
from bankloop.lake.proposal.bringing import look_at_file
from bankloop.lake.proposal.contracts import FileLook, Proposal
from bankloop.lake.proposal.proposing import propose
from bankloop.lake.service import Lake
from bankloop.store.audit import record_audit

# More files than a bank's systems deliver in a day, and fewer than a page can show.
MOST_FILES = 40
_LONGEST_NAME = 100
# What an answer is refused for once the file that asked for it is another, or gone.
_FALLEN = ("init.no_such_question", "init.no_such_answer")


@dataclass(frozen=True, slots=True)
class Draft:
    """The files and answers so far, and the sources that the bank has; ``seen`` is what an editor had before them."""

    folder: Path
    files: tuple[Path, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    there: frozenset[str] = frozenset()

    @property
    def bank(self) -> Path:
        """Return the folder of the bank that it is for."""
        return self.folder.parent.parent

    @property
    def seen(self) -> str:
        """Return what tells this state from any other."""
        told = [f"{one.name}:{(stat := one.stat()).st_size}:{stat.st_mtime_ns}" for one in self.files]
        return digest_bytes([json.dumps([told, dict(self.answers), sorted(self.there)]).encode()])[:16]

    @property
    def size(self) -> int:
        """Return the bytes that its files hold."""
        return sum(one.stat().st_size for one in self.files)


def draft_folder(bank: Path) -> Path:
    """Return where a bank's draft lies."""
    return bank / "data" / "bringing"


def read_draft(bank: Path) -> Draft:
    """Return what has been brought so far; an empty draft where nothing was."""
    place = draft_folder(bank)
    files = tuple(sorted(one for one in (place / "files").iterdir() if one.is_file())) if place.exists() else ()
    kept = place / "answers.json"
    answers = read_json(kept.read_bytes(), kept.name) if kept.exists() else {}
    return Draft(place, files, answers, names_there(bank))


@contextmanager
def receiving(bank: Path, most: int) -> Iterator[Path]:
    """Give a folder of its own to receive files in; what is not kept of them is gone at the end.

    Raises ``ConflictError`` while somebody else sends, ``InputError`` where ``most`` bytes lie there already.
    """
    if read_draft(bank).size >= most:
        raise too_many_bytes(most)
    place = draft_folder(bank)
    (place / "files").mkdir(parents=True, exist_ok=True, mode=0o700)
    room = place / "receiving"
    with _alone(place), errors.guarded("data/bringing"):
        shutil.rmtree(room, ignore_errors=True)  # of a process that was killed
        room.mkdir(mode=0o700)
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Be the only one who receives files or ends the draft; a process that dies lets go of it."""
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy() from None
        yield


def keep_files(connection: Connection, bank: Path, received: Mapping[str, Path], most: int) -> Draft:
    """Take received files into the draft by their names; one that is there is replaced by a corrected one.

    Raises ``InputError`` for too many or more than ``most`` bytes and ``DataError`` for an empty one: none is taken.
    """
    connection.execute(LOCK)
    draft = read_draft(bank)
    if not received:
        raise none_sent()
    left = [one for one in draft.files if one.name not in received]
    if len(left) + len(received) > MOST_FILES:
        raise too_many_files(len(left) + len(received))
    if sum(one.stat().st_size for one in (*left, *received.values())) > most:
        raise too_many_bytes(most)
    for name, place in received.items():
        if place.stat().st_size == 0:
            raise errors.empty_file(name)
    check_new(bank, received)
    for name, place in received.items():
        size = place.stat().st_size
        os.chmod(place, 0o600)
        place.replace(draft.folder / "files" / name)
        record_audit(connection, "lake.bring", "lake", name, None, {"file": name, "bytes": size})
    return read_draft(bank)


def drop_file(connection: Connection, bank: Path, name: str) -> Draft:
    """Take a file out of the draft; answers that nobody asks for without it fall away."""
    connection.execute(LOCK)
    draft = read_draft(bank)
    found = next((one for one in draft.files if one.name == name), None)
    if found is None:
        raise no_such_file(name)
    found.unlink()
    record_audit(connection, "lake.bring", "lake", name, {"file": name}, None)
    return read_draft(bank)


def keep_answers(connection: Connection, draft: Draft, given: Mapping[str, str]) -> Draft:
    """Keep the answers in place of those before; raise ``StaleError`` where somebody changed the draft meanwhile."""
    connection.execute(LOCK)
    now = read_draft(draft.bank)
    if now.seen != draft.seen:
        raise stale()
    changed = {key: given.get(key) for key in {*given, *now.answers} if given.get(key) != now.answers.get(key)}
    if changed:
        place = draft.folder / "answers.json"
        partial = place.with_suffix(".partial")
        partial.write_text(json.dumps(dict(given), ensure_ascii=False, indent=1), encoding="utf-8")
        partial.replace(place)
        before = {key: now.answers.get(key) for key in changed}
        record_audit(connection, "lake.answer", "lake", "bank.yaml", before, changed)
    return replace(now, answers=dict(given))


def make_of_draft(connection: Connection, lake: Lake, draft: Draft, proposal: Proposal) -> None:
    """Write bank.yaml, or what is new into it, and let the files arrive; the draft is over.

    Raises ``StaleError`` where somebody changed it meanwhile, or made a bank of it; else as ``settle_sources`` does.
    """
    connection.execute(LOCK)
    if read_draft(draft.bank).seen != draft.seen:
        raise stale()
    with _alone(draft.folder):
        settle_sources(connection, draft.bank, lake, [str(one) for one in draft.files], proposal, move=True)
        shutil.rmtree(draft.folder, ignore_errors=True)


def look_at_draft(draft: Draft) -> tuple[FileLook, ...]:
    """Return what the draft's files are; raise as looking at each of them does."""
    return tuple(map(look_at_file, draft.files))


def propose_draft(draft: Draft, looks: Sequence[FileLook], day: date) -> tuple[Proposal, Draft]:
    """Return what is proposed of a draft, and the draft with the answers that its files still ask for.

    Raises ``DataError`` without customers, ``InputError`` for a column that was chosen twice.
    """
    answers = dict(draft.answers)
    while True:
        try:
            return propose(looks, answers, day, draft.there), replace(draft, answers=answers)
        except InputError as error:
            if error.code not in _FALLEN or str(error.fields.get("key")) not in answers:
                raise
            del answers[str(error.fields["key"])]


def safe_name(given: str) -> str:
    """Return a name that is a file's and nothing else, as near as may be to the one that somebody sent.

    Names are patterns in bank.yaml: what a pattern reads otherwise goes too.
    """
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign if sign.isalnum() or sign in " ._-()（）" else "_" for sign in last).strip(" .")
    stem, dot, kind = kept.rpartition(".")
    name = f"{stem[: _LONGEST_NAME - len(kind)]}{dot}{kind}" if len(kind) < _LONGEST_NAME else kept[:_LONGEST_NAME]
    return name or "file"


def busy() -> ConflictError:
    """Somebody else's files are coming in."""
    return ConflictError(
        "bring.busy",
        Text(
            "另一人正在上传文件；请等它结束后重试", "somebody else is sending files; try again when they have arrived"
        ),
    )


def too_many_files(count: int) -> InputError:
    """More files than are taken at once."""
    return InputError(
        "bring.files",
        Text(
            "一共 {count} 个文件，至多 {most} 个；请合并，或分批装载",
            "{count} files, at most {most}; put some together, or load them in turns",
        ),
        count=count,
        most=MOST_FILES,
    )


def too_many_bytes(most: int) -> InputError:
    """More bytes than may lie there before they are loaded."""
    return InputError(
        "bring.bytes",
        Text(
            "文件合计超过 {most} MB；请分批，或由运维调大 BANKLOOP_UPLOAD_MB，或用 bankloop init --from 装载",
            "the files hold more than {most} MB in all; bring some of them, let BANKLOOP_UPLOAD_MB be raised, or load "
            "them by bankloop init --from",
        ),
        most=most >> 20,
    )


def none_sent() -> InputError:
    """A form without a file."""
    return InputError(
        "bring.none", Text("没有选文件；请先选文件再上传", "no file was chosen; choose some and send them")
    )


def no_such_file(name: str) -> NotFoundError:
    """A file that is not in the draft."""
    return NotFoundError(
        "bring.no_file",
        Text(
            "没有文件 {name}，可能已被他人移走；请刷新页面",
            "there is no file {name}, somebody may have removed it; load the page again",
        ),
        name=name[:_LONGEST_NAME],
    )


def stale() -> StaleError:
    """Somebody changed files or answers meanwhile."""
    return StaleError(
        "bring.stale",
        Text(
            "文件或映射已被他人改动，没有保存；请对照现在的内容再提交",
            "somebody changed the files or the mapping meanwhile, so nothing was kept; compare with what is there now "
            "and send it again",
        ),
    )
