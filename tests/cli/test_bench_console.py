"""The console's benchmark opens every page it names as the people who work there, and counts whatever failed."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from bankloop.bench.consoles import Seen, look, measure

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


@pytest.mark.parametrize(("status", "failed"), [(200, {}), (500, {"task 500": 1}), (None, {"task ReadError": 1})])
def test_what_fails_is_counted_and_does_not_end_the_measure(status: int | None, failed: dict[str, int]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ReadError("gone", request=request)
        return httpx.Response(status, text="page")

    async def ask() -> Seen:
        seen = Seen()
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://bank") as client:
            await look(client, seen, "task", "/workbench/1", "token")
        return seen

    seen = asyncio.run(ask())
    assert dict(seen.errors) == failed
    assert len(seen.taken["task"]) == (0 if status is None else 1)
