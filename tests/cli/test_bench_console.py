"""The console's benchmark opens every page it names as the people who work there, and counts whatever failed."""

from __future__ import annotations

import asyncio
import os

import httpx
import pytest

from bankloop.bench.consoles import Seen, look, measure
from bankloop.bench.processor import ProcessorTime, others_share, processor_time

pytestmark = pytest.mark.soak
PAGES = {"home", "workbench", "task", "customers", "daily", "board", "warroom", "targets", "credits"}


def test_every_page_is_opened_by_as_many_managers_as_people_and_none_fails() -> None:
    found = measure(2_000, 6, 4.0, 0.3)
    assert found["failed"] == {}
    assert found["errors"] == 0
    assert (found["users"], found["managers"]) == (6, 6)
    assert set(found["pages"]) == PAGES
    # The aim: a page without its charts is at most 100 kB.
    assert all(0 < page["kb"] <= 100 for page in found["pages"].values())
    assert all(0 < page["p50_ms"] <= page["p99_ms"] for page in found["pages"].values())


@pytest.mark.parametrize(
    ("status", "failed", "gave_up"),
    [
        (200, {}, {}),
        (500, {"task 500": 1}, {}),
        (httpx.ReadError, {"task ReadError": 1}, {}),
        (httpx.ReadTimeout, {}, {"task": 1}),
    ],
)
def test_what_fails_is_counted_and_does_not_end_the_measure(
    status: int | type[httpx.TransportError], failed: dict[str, int], gave_up: dict[str, int]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if not isinstance(status, int):
            raise status("gone", request=request)
        return httpx.Response(status, text="page")

    async def ask() -> Seen:
        seen = Seen()
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://bank") as client:
            await look(client, seen, "task", "/workbench/1", "token")
        return seen

    seen = asyncio.run(ask())
    assert (dict(seen.errors), dict(seen.gave_up)) == (failed, gave_up)
    assert len(seen.taken["task"]) == isinstance(status, int)


def test_what_others_take_of_the_processors_is_what_is_busy_beside_our_own() -> None:
    begin = ProcessorTime(at=10.0, busy=100.0, own=5.0)
    assert others_share(begin, ProcessorTime(20.0, 112.0, 11.0), 2) == pytest.approx(0.3)
    assert others_share(begin, ProcessorTime(20.0, 112.0, 17.0), 2) == pytest.approx(0.0)
    assert others_share(begin, ProcessorTime(20.0, 190.0, 5.0), 2) == 1.0
    first = processor_time([os.getpid()])
    assert sum(i * i for i in range(300_000)) > 0
    assert processor_time([os.getpid(), 2**31 - 1]).own > first.own
