"""Channels by command: what each is connected for is what happened, what is online is counted, a partner gets no list."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bankloop.loop.realtime import DecisionDesk
from tests.cli.test_people import run

_PRODUCT = """
  - key: extra-{n}
    title: {{zh: 产品{n}, en: Product {n}}}
    class: payment
    online: {online}
    contribution: {{fixed: 1 CNY}}
"""


def listed(folder: Path) -> dict[str, Any]:
    code, found = run(folder, "channel", "list")
    assert code == 0, found
    return found


@pytest.mark.capability("D21")
def test_a_channel_without_a_feed_of_events_is_not_connected_for_data(
    live: DecisionDesk, folder: Path, tmp_path: Path
) -> None:
    def connected() -> dict[str, dict[str, bool]]:
        return {one["name"]: one["connected"] for one in listed(folder)["channels"]}

    before = connected()
    assert before["sms"] == {"transaction": False, "marketing": True, "service": False, "data": False}
    assert not before["app_banner"]["data"]
    moment = (live.bank.clock.now() - timedelta(minutes=5)).isoformat()
    customer = live.counter().table["customer_no"][0].as_py()
    told = {"number": "w-1", "type": "cardless_withdraw", "customer_no": customer, "occurred_at": moment}
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps({**told, "fields": {"amount": 100}}) + "\n", encoding="utf-8")
    code, done = run(folder, "event", "take", str(file), "--source", "mobile_bank")
    assert (code, done["taken"]) == (0, 1)
    after = connected()
    assert after["app_banner"] == {**before["app_banner"], "transaction": True, "data": True}
    assert after["app_push"]["data"]
    # It is told by the mobile bank: what has no feed, or another one, is as it was.
    assert {name: after[name] for name in ("sms", "wecom", "rm_call")} == {
        name: before[name] for name in ("sms", "wecom", "rm_call")
    }


@pytest.mark.capability("D20")
def test_of_fifty_products_forty_six_online_are_92_per_cent(live: DecisionDesk, folder: Path) -> None:
    path = folder / "products.yaml"
    written = path.read_text(encoding="utf-8")

    def products() -> dict[str, Any]:
        found: dict[str, Any] = {one["kind"]: one for one in listed(folder)["online"]}["product"]
        return found

    try:
        had = products()
        away = 4 - (had["total"] - had["online"])
        more = [_PRODUCT.format(n=n, online="false" if n < away else "true") for n in range(50 - had["total"])]
        path.write_text(written.rstrip("\n") + "".join(more), encoding="utf-8")
        now = products()
    finally:
        path.write_text(written, encoding="utf-8")
    assert (now["online"], now["total"], now["share"]) == (46, 50, 0.92)
    assert len(now["offline"]) == 4


@pytest.mark.capability("D24")
def test_a_partner_s_channel_is_refused_a_list_of_people(live: DecisionDesk, folder: Path) -> None:
    path = folder / "policies.yaml"
    written = path.read_text(encoding="utf-8")
    partner = """channels:
  partner_app:
    title: {zh: 合作方 App, en: A partner's app}
    level: L3
    delivery: DELIVERY
    open_to: app_registered
    cost_per_thousand: 0 CNY
"""
    try:
        path.write_text(written.replace("channels:\n", partner.replace("DELIVERY", "file"), 1), encoding="utf-8")
        code, refused = run(folder, "check")
        path.write_text(written.replace("channels:\n", partner.replace("DELIVERY", "slot"), 1), encoding="utf-8")
        allowed, found = run(folder, "check")
        levels = {one["name"]: one["level"] for one in listed(folder)["channels"]}
    finally:
        path.write_text(written, encoding="utf-8")
    assert code != 0
    assert "no list of people" in json.dumps(refused)
    assert "partner_app" in json.dumps(refused)
    assert allowed == 0, found
    assert (levels["app_push"], levels["sms"], levels["partner_app"]) == ("L1", "L2", "L3")
