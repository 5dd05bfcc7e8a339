"""The remote desk's page: a round begun by who may, its queues and its batches; refused to others, said why where it cannot."""

from __future__ import annotations

import re

from tests.web.conftest import Staffed


def test_a_round_of_the_remote_centre_on_its_page(staffed: Staffed) -> None:
    client = staffed.client("strategist")
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/remote").text)
    assert csrf is not None
    api = staffed.api("strategist")
    asked = api.post("/api/v1/servicing/assign", json={}, headers={"idempotency-key": "keepers-first"})
    assert asked.status_code == 202, asked.text
    staffed.app.state.jobs.wait()
    job = api.get(f"/api/v1/jobs/{asked.json()['job_id']}").json()
    assert (job["state"], job["error"]) == ("done", None)
    done = client.post("/remote/round", data={"csrf": csrf[1]})
    assert done.status_code == 200, done.text[-3000:]
    assert "坐席队列" in done.text or "各轮触达" in done.text
    client.cookies.set("language", "en")
    assert "Remote desk" in client.get("/remote").text
    other = staffed.client("commander")
    assert "/remote/round" not in other.get("/remote").text
    assert staffed.client("secadmin").get("/remote").status_code == 403
