"""Connections that begin and do not go on are closed; those at work are not, however long it takes."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from bankloop.web.shell import connections
from tests.web.conftest import listening

WHOLE = b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "HEADERS_WITHIN_SECONDS", 0.6)
    app = FastAPI()

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(1.2)
        return "done"

    with listening(app) as address:
        yield int(address.rsplit(":", 1)[1])


def opened(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def answered(line: socket.socket) -> bytes:
    """Return the whole answer: its head and its body may come apart."""
    found = b""
    while not found.endswith(b'"done"') and (part := line.recv(1_000)):
        found += part
    return found


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /slow HTTP/1.1\r\nhost: a\r\n"])
def test_headers_that_do_not_come_hold_no_connection(port: int, begun: bytes) -> None:
    with opened(port) as line:
        line.sendall(begun)
        assert line.recv(100).startswith(b"HTTP/1.1 408")
        assert line.recv(100) == b""


def test_a_part_now_and_then_does_not_win_time(port: int) -> None:
    def trickle(line: socket.socket) -> None:
        line.sendall(b"GET /slow HTTP/1.1\r\n")
        for number in range(60):
            time.sleep(0.1)
            line.sendall(f"x-{number}: 1\r\n".encode())

    with opened(port) as line, pytest.raises((ConnectionError, TimeoutError)):
        trickle(line)


def test_headers_that_do_not_come_after_a_first_request_hold_none_either(port: int) -> None:
    with opened(port) as line:
        line.sendall(WHOLE)
        assert answered(line).endswith(b'"done"')
        line.sendall(b"GET /sl")
        assert line.recv(100).startswith(b"HTTP/1.1 408")


def test_work_that_takes_longer_is_waited_for(port: int) -> None:
    with opened(port) as line:
        line.sendall(WHOLE[:20])
        time.sleep(0.2)
        line.sendall(WHOLE[20:])
        assert answered(line).endswith(b'"done"')
