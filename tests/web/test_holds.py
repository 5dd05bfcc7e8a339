"""Legal holds on their page: placed and released by compliance, read by who keeps the data, closed to others."""

from __future__ import annotations

import re

from tests.web.conftest import Staffed


def test_compliance_places_and_releases_a_hold(staffed: Staffed) -> None:
    client = staffed.client("compliance")
    shown = client.get("/holds").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', shown)
    assert csrf is not None
    asked = {"csrf": csrf[1], "kind": "customer", "object": "C77", "reason": ""}
    refused = client.post("/holds", data=asked)
    assert (refused.status_code, 'value="C77"' in refused.text) == (400, True)
    assert client.post("/holds", data={**asked, "reason": "诉讼"}, follow_redirects=False).status_code == 303
    after = client.get("/holds").text
    release = re.search(r'action="(/holds/[0-9a-f-]{36}/release)"', after)
    assert "诉讼" in after
    assert release is not None
    steward = staffed.client("steward").get("/holds").text
    assert "诉讼" in steward
    assert "/release" not in steward
    assert client.post(release[1], data={"csrf": csrf[1], "reason": "结案"}).status_code == 200
    assert "诉讼" not in client.get("/holds").text
    assert staffed.client("strategist").get("/holds").status_code == 403
