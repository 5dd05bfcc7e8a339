"""Files that somebody sends: written to disk as they come, for their owner alone, by names that lead nowhere."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from bankloop.kit.errors import InputError
from bankloop.kit.text import Text
from bankloop.lake import errors as lake
from bankloop.lake.proposal.bringing import same_name
from bankloop.lake.proposal.draft import MOST_FILES, safe_name
from bankloop.store.doctor import LEAST_FREE_BYTES
from bankloop.web.shell import errors

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_USUAL_MB = 2_048
_PIECE = 1 << 20
# The form's own fields: its token.
_MOST_FIELDS, _MOST_FIELD = 8, 4 << 10


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
        raise errors.unreadable("content-type", Text("应为 multipart/form-data", "multipart/form-data is wanted"))
    check_space(room, int(request.headers.get("content-length", "0") or 0))
    piece = bytearray()
    with closing(_Form(room)) as form:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
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
    """What a parser has found so far: fields in memory, files on disk."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.fields: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.whole = False
        self._header: tuple[bytes, bytes] = (b"", b"")
        self._named: dict[bytes, bytes] = {}
        self._field = bytearray()
        self._file: BinaryIO | None = None

    def callbacks(self) -> MultipartCallbacks:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._head(data[start:end], b""),
            "on_header_value": lambda data, start, end: self._head(b"", data[start:end]),
            "on_header_end": self._head_end,
            "on_headers_finished": self._open,
            "on_part_data": self._write,
            "on_part_end": self._end,
            "on_end": self._whole,
        }

    def close(self) -> None:
        """Close the file that was being written."""
        if self._file is not None:
            self._file.close()

    def _begin(self) -> None:
        self._named, self._field = {}, bytearray()

    def _head(self, name: bytes, value: bytes) -> None:
        self._header = (self._header[0] + name, self._header[1] + value)

    def _head_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._named = parse_options_header(value)[1]
        self._header = (b"", b"")

    def _open(self) -> None:
        if len(self.files) >= MOST_FILES or len(self.fields) >= _MOST_FIELDS:
            raise errors.too_large(MOST_FILES)
        given = self._named.get(b"filename")
        if not given:  # a field, or a list of files of which none was chosen
            return
        name = safe_name(_said(given))
        if name in self.files:
            raise same_name(name)
        place = self.files[name] = self.room / f"part-{len(self.files)}"
        self._file = os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > _MOST_FIELD:
            raise errors.too_large(_MOST_FIELD)

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        elif b"filename" not in self._named:
            self.fields[_said(self._named.get(b"name"))] = _said(bytes(self._field))

    def _whole(self) -> None:
        self.whole = True


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
