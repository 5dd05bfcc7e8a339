"""Channels: the registry with what each is connected for, and the three online rates."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from bankloop.kit.plain import plain
from bankloop.organization.rights import require
from bankloop.performance.channels import channel_lines, online_rates
from bankloop.web.api.dependencies import PREFIX, Open, Reads

router = APIRouter(prefix=PREFIX, tags=["channels"])


@router.get("/channels")
def channels(console: Open, visitor: Reads) -> dict[str, Any]:
    """List the channels by level with their connections of the last thirty days, and what share is online."""
    for right in ("contact.read", "event.read"):
        require(visitor.principal, right)
    with console.reading() as connection:
        found = channel_lines(console.bank, connection, console.bank.lake.today())
    rates = [{**plain(one), "share": one.share} for one in online_rates(console.bank)]
    listed = [{**plain(one), "connected": {kind.value: one.connected(kind) for kind in one.seen}} for one in found]
    return {"items": listed, "online": rates, "next": None}
