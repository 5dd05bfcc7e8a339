"""Files that somebody sends: their names, their bytes on disk, and what of a form is refused; no bank is opened."""

from __future__ import annotations

import asyncio
import stat
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from bankloop.kit.errors import BankloopError
from bankloop.lake.proposal.draft import safe_name
from bankloop.web.shell.guard import SLOWEST_BYTES, _passed_on
from bankloop.web.shell.uploads import receive_files

BOUNDARY = "boundary"


class Sent:
    """A request as far as receiving asks of it: headers, and a body in parts."""

    def __init__(self, parts: Iterator[bytes], kind: str = f"multipart/form-data; boundary={BOUNDARY}") -> None:
        self.headers, self.parts = {"content-type": kind}, parts

    async def stream(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part


def part_of(name: str, body: bytes, field: str = "files") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + body + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def received(room: Path, *parts: bytes, kind: str | None = None) -> tuple[dict[str, str], dict[str, Path]]:
    sent = Sent(iter(parts)) if kind is None else Sent(iter(parts), kind)
    return asyncio.run(receive_files(cast(Request, sent), room))


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("customers.csv", "customers.csv"),
        ("客户信息 (1).csv", "客户信息 (1).csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\bank\\客户.xlsx", "客户.xlsx"),
        ("a[1]*?.csv", "a_1___.csv"),
        (".ok", "ok"),
        ("..", "file"),
        ("", "file"),
        ("a\x00\r\n.csv", "a___.csv"),
    ],
)
def test_a_name_leads_nowhere_and_is_no_pattern(given_name: str, kept: str) -> None:
    assert safe_name(given_name) == kept


@given(st.text(max_size=300))
def test_any_name_is_a_file_s_in_its_folder(name: str) -> None:
    kept = safe_name(name)
    assert Path("/place", kept).parent == Path("/place")
    assert 0 < len(kept) <= 110
    assert not set(kept) & set("/\\*?[]\x00\n")
    assert kept not in (".", "..")
    assert safe_name(kept) == kept


def test_files_arrive_whole_for_their_owner_alone(tmp_path: Path) -> None:
    body = bytes(range(256)) * 20_000
    whole = part_of("a.csv", body) + part_of("b.csv", b"") + END
    pieces = [whole[at : at + 70_000] for at in range(0, len(whole), 70_000)]
    fields, files = received(tmp_path, *pieces)
    assert fields == {}
    assert files["a.csv"].read_bytes() == body
    assert files["b.csv"].read_bytes() == b""
    assert {stat.S_IMODE(one.stat().st_mode) for one in files.values()} == {0o600}
    assert {one.parent for one in files.values()} == {tmp_path}


def test_a_large_file_passes_through_little_memory(tmp_path: Path) -> None:
    size = 64 << 20

    def parts() -> Iterator[bytes]:
        yield part_of("large.csv", b"")[:-2]
        for _ in range(size >> 16):
            yield b"x" * (1 << 16)
        yield b"\r\n" + END

    tracemalloc.start()
    try:
        _, files = asyncio.run(receive_files(cast(Request, Sent(parts())), tmp_path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert files["large.csv"].stat().st_size == size
    assert peak < size / 8


@pytest.mark.parametrize(
    ("parts", "kind", "code"),
    [
        ((b"{}",), "application/json", "page.query"),
        ((b"no form at all",), None, "bring.not_whole"),
        ((part_of("a.csv", b"1,2"),), None, "bring.not_whole"),
        ((part_of("a.csv", b"1") + part_of("x/a.csv", b"2") + END,), None, "init.same_name"),
        ((*(part_of(f"{at}.csv", b"1") for at in range(41)), END), None, "request.too_large"),
    ],
)
def test_what_is_no_such_form_is_refused(tmp_path: Path, parts: tuple[bytes, ...], kind: str | None, code: str) -> None:
    with pytest.raises(BankloopError) as caught:
        received(tmp_path, *parts, kind=kind)
    assert caught.value.code == code


def passed(messages: list[Message], most: int, length: str = "") -> int:
    """Read a body to its end as the guard passes it on; return its bytes."""
    scope: dict[str, Any] = {"headers": [(b"content-length", length.encode())] if length else []}
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    async def read() -> int:
        take, taken = _passed_on(scope, receive, most), 0
        while True:
            message = await take()
            taken += len(message["body"])
            if not message["more_body"]:
                return taken

    return asyncio.run(read())


def body(*sizes: int) -> list[Message]:
    return [
        {"type": "http.request", "body": b"x" * size, "more_body": at < len(sizes)} for at, size in enumerate(sizes, 1)
    ]


def test_a_body_that_is_passed_on_is_counted_as_it_comes() -> None:
    assert passed(body(500, 500), 1_000) == 1_000
    for messages, length in ((body(500, 501), ""), (body(500, 501), "10"), (body(1), "1001")):
        with pytest.raises(BankloopError) as caught:
            passed(messages, 1_000, length)
        assert caught.value.code == "request.too_large"


def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bankloop.web.shell.guard.SLOWEST_BODY", 0.0)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(BankloopError) as caught:
        asyncio.run(_passed_on_first(receive))
    assert caught.value.code == "request.too_slow"
    assert SLOWEST_BYTES > 0


async def _passed_on_first(receive: Any) -> Message:
    return await _passed_on({"headers": []}, receive, 1_000)()
