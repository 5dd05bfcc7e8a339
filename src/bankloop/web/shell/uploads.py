"""Files that somebody sends: written to disk as they come, for their owner alone, by names that lead nowhere."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header
from starlette.requests import ClientDisconnect

from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.lake import errors as lake
from bankloop.lake.proposal.bringing import same_name
from bankloop.lake.proposal.draft import MOST_FILES, safe_name
from bankloop.store.doctor import LEAST_FREE_BYTES
from bankloop.web.shell import errors

_USUAL_MB = 2_048
_PIECE = 1 << 20
# The form's own fields: its token.
_MOST_FIELD = 4 << 10


def most_upload() -> int:
    """Return how many bytes of files may be sent at once, and lie there before a bank is made of them."""
    given = os.environ.get("BANKLOOP_UPLOAD_MB", "")
    return (int(given) if given.isdigit() and int(given) else _USUAL_MB) << 20


async def receive_files(request: Request, room: Path) -> tuple[dict[str, str], dict[str, Path]]:
    """Return a form's fields, and its files by their names, written into ``room``.

    Raises ``InputError`` for what is no such form or two files of one name, ``EnvironmentFault`` for a full disk.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise errors.unreadable("content-type", "multipart/form-data")
    check_space(room, int(request.headers.get("content-length", "0") or 0))
    form = _Form(room)
    settings = {
        "UPLOAD_DIR": str(room),
        "MAX_MEMORY_FILE_SIZE": 0,
        "UPLOAD_DELETE_TMP": False,
        "UPLOAD_ERROR_ON_BAD_CTE": True,
    }
    parser = FormParser(
        "multipart/form-data", form.field, form.file, form.end, boundary=options[b"boundary"], config=settings
    )
    piece = bytearray()
    try:
        async for part in request.stream():
            piece += part
            if len(piece) >= _PIECE:
                await asyncio.to_thread(parser.write, bytes(piece))
                piece.clear()
        await asyncio.to_thread(parser.write, bytes(piece))
        parser.finalize()
    except (FormParserError, ClientDisconnect) as error:
        raise not_whole() from error
    if not form.whole:
        raise not_whole()
    return form.fields, form.files


class _Form:
    """What a parser has found so far."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.fields: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.whole = False

    def end(self) -> None:
        self.whole = True

    def field(self, found: Field) -> None:
        if len(found.value or b"") > _MOST_FIELD or len(self.fields) >= MOST_FILES:
            raise errors.too_large(_MOST_FIELD)
        self.fields[_said(found.field_name)] = _said(found.value)

    def file(self, found: File) -> None:
        found.close()
        if not found.file_name:
            return
        name = safe_name(_said(found.file_name))
        if name in self.files:
            raise same_name(name)
        if len(self.files) >= MOST_FILES:
            raise errors.too_large(MOST_FILES)
        place = self.room / f"part-{len(self.files)}"
        if found.actual_file_name is None:
            place.touch(mode=0o600)
        else:
            Path(os.fsdecode(found.actual_file_name)).replace(place)
        self.files[name] = place


def check_space(room: Path, wanted: int) -> None:
    """Raise ``EnvironmentFault`` where so many bytes more would leave the machine without room to work."""
    if shutil.disk_usage(room).free - wanted < LEAST_FREE_BYTES:
        raise lake.no_space("data/bringing")


def not_whole() -> InputError:
    """A form that ended before it was whole."""
    return InputError(
        "bring.not_whole",
        Text(
            "文件没有传完，什么也没有保存；请重新上传",
            "the files did not arrive whole, so nothing was kept; send them again",
        ),
    )


def _said(given: bytes | None) -> str:
    return (given or b"").decode("utf-8", "replace")
