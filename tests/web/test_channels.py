"""Channels as a page: the map, the matrix and the rates, found from home."""

from __future__ import annotations

from tests.web.conftest import Staffed


def test_the_page_shows_levels_connections_and_rates(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    assert 'href="/channels"' in client.get("/").text
    page = client.get("/channels").text
    for said in ("L1 核心", "数据贯通", "产品在线", "VTM 屏"):
        assert said in page
    english = client.get("/channels", headers={"cookie": f"language=en; session={client.cookies['session']}"}).text
    assert "Channel map" in english
    found = staffed.api("strategist").get("/api/v1/channels").json()
    assert [one["level"] for one in found["items"]] == sorted(one["level"] for one in found["items"])
    assert {one["kind"] for one in found["online"]} == {"product", "service", "marketing"}
    manager = staffed.api(staffed.of("security_admin"))
    assert manager.get("/api/v1/channels").status_code == 403
