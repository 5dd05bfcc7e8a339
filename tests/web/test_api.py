"""The API: sending again (the four defects and more), conditions, cursors, refusals, scopes, guessed ids, jobs, metrics."""

from __future__ import annotations

import base64
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bankloop.kit.ids import digest
from bankloop.organization import account
from bankloop.organization.people import person_of
from bankloop.organization.principals import auditor, system
from bankloop.organization.principals import maker as strategist
from bankloop.organization.rights import MATRIX, ROLES
from bankloop.store.contracts import Role
from bankloop.store.database import now_of
from bankloop.web.api import idempotency as sending
from bankloop.work.queue import ask_job
from tests.web.conftest import Staffed, TestClient

BASE = "/api/v1"


def key() -> dict[str, str]:
    return {"idempotency-key": uuid.uuid4().hex}


def agreement(name: str, **other: Any) -> dict[str, Any]:
    return {
        "agreement_id": name, "owner_line": "retail", "to_line": "corporate", "purpose": "service", "fields": ["region"],
        "valid_to": "2027-01-01T00:00:00Z", "reason": "pilot", **other,
    }  # fmt: skip


@pytest.fixture
def maker(staffed: Staffed) -> TestClient:
    return staffed.api("strategist")


@pytest.fixture
def name() -> str:
    return f"a-{uuid.uuid4().hex[:12]}"


def count(staffed: Staffed, verb: str, about: str) -> int:
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        query = text("SELECT count(*) FROM audit WHERE verb = :verb AND object_id = :id")
        return int(connection.scalar(query, {"verb": verb, "id": about}) or 0)


def test_a_write_without_a_key_is_refused(maker: TestClient, name: str) -> None:
    answer = maker.post(f"{BASE}/agreements", json=agreement(name))
    assert (answer.status_code, answer.json()["code"]) == (400, "request.key")
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"zh", "en", "fields", "title", "type", "status", "request"} <= set(answer.json())


def test_t1_the_same_key_with_another_payload_is_refused(maker: TestClient, name: str, staffed: Staffed) -> None:
    once = key()
    assert maker.post(f"{BASE}/agreements", json=agreement(name), headers=once).status_code == 201
    other = maker.post(f"{BASE}/agreements", json=agreement(name, purpose="analysis"), headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "request.key_reused")
    again = maker.post(f"{BASE}/agreements", json=agreement(name), headers=once)
    assert again.status_code == 201
    assert again.headers["idempotency-replayed"] == "true"
    assert count(staffed, "agreement.submit", name) == 1


def test_t2_the_same_key_for_another_resource_or_person_is_another_key(
    staffed: Staffed, maker: TestClient, name: str
) -> None:
    once = key()
    first = maker.post(f"{BASE}/agreements", json=agreement(name), headers=once).json()
    second = maker.post(f"{BASE}/agreements", json=agreement(f"{name}-2"), headers=once).json()
    assert (first["agreement_id"], second["agreement_id"]) == (name, f"{name}-2")
    steward = staffed.api("steward")
    third = steward.post(f"{BASE}/agreements", json=agreement(f"{name}-3"), headers=once)
    assert third.json()["agreement_id"] == f"{name}-3"
    stolen = steward.post(f"{BASE}/agreements", json=agreement(name), headers=once)
    assert "idempotency-replayed" not in stolen.headers  # another person's answer is nobody's


def test_t3_a_refused_request_leaves_its_key_free_to_be_mended(maker: TestClient, name: str) -> None:
    once = key()
    wrong = maker.post(f"{BASE}/agreements", json=agreement(name, valid_to="2020-01-01T00:00:00Z"), headers=once)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "rights.bad_validity")
    assert maker.post(f"{BASE}/agreements", json=agreement(name), headers=once).status_code == 201


@pytest.mark.parametrize(
    ("value", "status"), [("k" * 255, 201), ("k" * 256, 400), ("k" * 1000, 400), ("", 400), ("a b", 400)]
)
def test_t4_a_key_has_at_most_255_visible_characters(maker: TestClient, name: str, value: str, status: int) -> None:
    answer = maker.post(f"{BASE}/agreements", json=agreement(name), headers={"idempotency-key": value})
    assert answer.status_code == status


def test_fifty_at_once_with_one_new_key_have_one_effect(staffed: Staffed, name: str) -> None:
    once, start = key(), threading.Barrier(50)
    token = staffed.token("strategist")

    def send(_: int) -> tuple[int, str]:
        client = staffed.client()
        start.wait()
        answer = client.post(
            f"{BASE}/agreements", json=agreement(name), headers={**once, "authorization": f"Bearer {token}"}
        )
        return answer.status_code, answer.text

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    codes = Counter(status for status, _ in answers)
    assert set(codes) <= {201, 409}
    assert len({body for status, body in answers if status == 201}) == 1
    assert count(staffed, "agreement.submit", name) == 1


def test_after_a_crash_between_commit_and_answer_the_retry_gets_the_original(
    staffed: Staffed, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, bearer = key(), {"authorization": f"Bearer {staffed.token('strategist')}"}
    client = TestClient(staffed.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    with monkeypatch.context() as broken:
        broken.setattr(sending, "_answer", lambda *_: 1 // 0)
        assert client.post(f"{BASE}/agreements", json=agreement(name), headers={**once, **bearer}).status_code == 500
    again = client.post(f"{BASE}/agreements", json=agreement(name), headers={**once, **bearer})
    assert (again.status_code, again.json()["agreement_id"]) == (201, name)
    assert again.headers["idempotency-replayed"] == "true"
    assert count(staffed, "agreement.submit", name) == 1


def test_a_crash_before_the_commit_leaves_neither_effect_nor_key(
    staffed: Staffed, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, bearer = key(), {"authorization": f"Bearer {staffed.token('strategist')}"}
    client = TestClient(staffed.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    with monkeypatch.context() as broken:
        broken.setattr(sending, "_keep", lambda *_: 1 // 0)
        assert client.post(f"{BASE}/agreements", json=agreement(name), headers={**once, **bearer}).status_code == 500
    assert count(staffed, "agreement.submit", name) == 0
    assert client.post(f"{BASE}/agreements", json=agreement(name), headers={**once, **bearer}).status_code == 201


def test_an_expired_key_is_a_new_request(staffed: Staffed, maker: TestClient, name: str) -> None:
    once = key()
    maker.post(f"{BASE}/agreements", json=agreement(name), headers=once)
    with staffed.small.open.store.begin(system("x"), Role.OWNER) as connection:
        connection.execute(text("SELECT set_config('bankloop.principal', 'strategist', true)"))
        late = staffed.small.open.store.clock.now() - timedelta(seconds=1)
        connection.execute(
            text("UPDATE idempotency_key SET until = :late WHERE resource = :r"), {"late": late, "r": name}
        )
    again = maker.post(f"{BASE}/agreements", json=agreement(name), headers=once)
    assert again.status_code == 409  # done anew: there is such an agreement by now
    assert again.json()["code"] != "request.in_progress"


def test_of_two_editors_the_second_is_told(staffed: Staffed, maker: TestClient) -> None:
    other = staffed.api("commander")
    mine, theirs = (c.get(f"{BASE}/campaigns/bind-card/file") for c in (maker, other))
    assert mine.headers["etag"] == theirs.headers["etag"]
    written = mine.json()["text"]
    path = f"{BASE}/campaigns/bind-card/file"
    unsaid = maker.put(path, json={"text": written + "# 1\n"}, headers=key())
    assert (unsaid.status_code, unsaid.json()["code"]) == (428, "request.condition")
    first = maker.put(path, json={"text": written + "# 1\n"}, headers={**key(), "if-match": mine.headers["etag"]})
    assert first.status_code == 200
    second = other.put(path, json={"text": written + "# 2\n"}, headers={**key(), "if-match": theirs.headers["etag"]})
    assert (second.status_code, second.json()["code"]) == (412, "request.stale")
    back = maker.put(path, json={"text": written}, headers={**key(), "if-match": f'"{first.json()["etag"]}"'})
    assert back.status_code == 200
    assert maker.get(path, headers={"if-none-match": mine.headers["etag"]}).status_code == 304


def test_an_address_says_which_methods_it_takes(maker: TestClient) -> None:
    refused = maker.request("DELETE", f"{BASE}/campaigns/bind-card")
    assert (refused.status_code, refused.json()["code"]) == (405, "request.method")
    assert refused.headers["allow"] == "GET"
    assert "it takes GET" in refused.json()["en"]


def test_what_a_killed_edit_left_is_cleared_by_the_next(staffed: Staffed, maker: TestClient) -> None:
    campaigns = staffed.small.open.folder / "campaigns"
    left = campaigns / ".edit-bind-card"
    left.mkdir()
    (left / "bind-card.yaml").write_text("campaign: half a fi", encoding="utf-8")
    path = f"{BASE}/campaigns/bind-card/file"
    known = maker.get(path)
    body = {"text": known.json()["text"]}
    assert maker.put(path, json=body, headers={**key(), "if-match": known.headers["etag"]}).status_code == 200
    assert [one.name for one in campaigns.iterdir() if one.name.startswith(".edit-")] == []
    assert maker.get(path).json()["text"] == known.json()["text"]


def test_a_page_says_where_it_goes_on_and_nobody_else_can_use_it(staffed: Staffed) -> None:
    steward = staffed.api("steward")
    first = steward.get(f"{BASE}/people", params={"limit": 2}).json()
    second = steward.get(f"{BASE}/people", params={"limit": 2, "cursor": first["next"]}).json()
    ids = [one["staff_id"] for one in (*first["items"], *second["items"])]
    assert ids == sorted(set(ids))
    leader = staffed.api("strategist")
    whole = leader.get(f"{BASE}/tasks", params={"limit": 200}).json()["items"]
    begun = leader.get(f"{BASE}/tasks", params={"limit": 2}).json()
    rest = leader.get(f"{BASE}/tasks", params={"limit": 198, "cursor": begun["next"]}).json()["items"]
    assert [one["task_id"] for one in (*begun["items"], *rest)] == [one["task_id"] for one in whole]
    order = [(-one["value_fen"], one["task_id"]) for one in whole]
    assert order == sorted(set(order))
    assert staffed.api("checker").get(f"{BASE}/tasks", params={"cursor": begun["next"]}).status_code in (400, 403)
    for client, path in ((staffed.api("sysadmin"), "people"), (steward, "customers")):
        answer = client.get(f"{BASE}/{path}", params={"cursor": first["next"]})
        assert (answer.status_code, answer.json()["code"]) == (400, "request.cursor")
    for forged in ("zz", "00", first["next"][:-2] + "00"):
        assert steward.get(f"{BASE}/people", params={"cursor": forged}).status_code == 400
    for limit in (0, 201, -1, "x"):
        assert steward.get(f"{BASE}/people", params={"limit": limit}).status_code == 422


@pytest.mark.parametrize(
    "body", [{"staff_id": "x", "rights": ["*"]}, {"person_id": "x"}, [], "x", None, {"staff_id": {"$gt": ""}}]
)
def test_unknown_fields_and_other_shapes_are_refused(staffed: Staffed, body: Any) -> None:
    answer = staffed.api("sysadmin").post(f"{BASE}/people", json=body, headers=key())
    assert answer.status_code == 422
    assert answer.json()["code"] == "page.query"


HOSTILE = [
    "'; DROP TABLE account; --",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\u202e",
    "a" * 65,
    "{0}",
    "%00",
    "1 OR 1=1",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_names_of_nothing(staffed: Staffed, hostile: str) -> None:
    steward, admin = staffed.api("steward"), staffed.api("secadmin")
    for answer in (
        steward.get(f"{BASE}/people/{hostile}"),
        steward.get(f"{BASE}/customers/{hostile}"),
        staffed.api("strategist").get(f"{BASE}/campaigns/{hostile}"),
        staffed.api("strategist").get(f"{BASE}/campaigns/{hostile}/file"),
        admin.post(f"{BASE}/grants", json={"person_id": hostile, "role": "auditor", "reason": "x"}, headers=key()),
        admin.post(f"{BASE}/accounts/{hostile}/unlock", json={}, headers=key()),
        staffed.api("auditor").get(f"{BASE}/audit", params={"principal": hostile}),
    ):
        assert answer.status_code in (200, 400, 404, 405, 422), (answer.request.url, answer.text)
        assert "<script" not in answer.text or answer.headers["content-type"].endswith("json")
    assert staffed.api("strategist").get(f"{BASE}/me").status_code == 200


def test_ids_of_another_branch_are_ids_of_nothing(staffed: Staffed) -> None:
    """Every route with an id, as a person of one branch, with ids of another."""
    manager = staffed.of("relationship_manager")
    with staffed.small.open.store.begin(system()) as connection:
        task = connection.execute(
            text("SELECT task_id, customer_no FROM staff_task WHERE customer_no <> '' AND customer_no NOT IN (SELECT customer_no FROM customer_book WHERE unit_id = :u) LIMIT 1"),
            {"u": person_of(connection, manager).unit_id},
        ).one()  # fmt: skip
    head = staffed.api(staffed.of("sub_branch_head"))
    for client in (staffed.api(manager), head, staffed.api(staffed.of("remote_agent"))):
        assert client.get(f"{BASE}/customers/{task.customer_no}").status_code in (403, 404)
        finish = client.post(f"{BASE}/tasks/{task.task_id}/finish", json={"reason": "x"}, headers=key())
        assert finish.status_code == 404
        unmask = {"fields": ["name_token"], "reason": "x", "ticket": "T1"}
        found = client.post(f"{BASE}/customers/{task.customer_no}/unmask", json=unmask, headers=key())
        assert found.status_code in (403, 404)
    assert head.get(f"{BASE}/people/strategist").status_code == 404
    own = {row["unit_id"] for row in head.get(f"{BASE}/units").json()["items"]}
    assert len(own) == 1
    assert {row["unit_id"] for row in head.get(f"{BASE}/people").json()["items"]} <= own


def machine(staffed: Staffed, person: str, *scopes: str, kind: str = "key") -> tuple[str, str]:
    body = {"kind": kind, "person_id": person, "title": "test", "scopes": list(scopes)}
    made = staffed.api("secadmin").post(f"{BASE}/machines", json=body, headers=key()).json()
    return made["machine_id"], made["secret"]


def test_a_credential_is_for_its_scopes_and_its_person_s_rights(staffed: Staffed) -> None:
    machine_id, secret = machine(staffed, "strategist", "read")
    client = staffed.client()
    client.headers["authorization"] = f"Bearer {secret}"
    assert client.get(f"{BASE}/me").json()["scopes"] == ["read"]
    assert client.get(f"{BASE}/campaigns").status_code == 200
    beyond = client.post(f"{BASE}/campaigns/bind-card/submit", json={}, headers=key())
    assert (beyond.status_code, beyond.json()["code"]) == (403, "request.scope")
    assert client.get(f"{BASE}/grants").status_code == 403  # the scope reads, the person may not
    assert (
        staffed.client().get("/", headers={"authorization": f"Bearer {secret}x"}, follow_redirects=False).status_code
        == 303
    )
    revoked = staffed.api("secadmin").post(f"{BASE}/machines/{machine_id}/revoke", json={}, headers=key())
    assert revoked.status_code == 200
    assert client.get(f"{BASE}/me").status_code == 401


def test_a_secret_is_shown_once(staffed: Staffed) -> None:
    once = key()
    body = {"kind": "key", "person_id": "strategist", "title": "test", "scopes": ["read"]}
    first, again = (staffed.api("secadmin").post(f"{BASE}/machines", json=body, headers=once) for _ in range(2))
    assert "secret" in first.json()
    assert "secret" not in again.json()
    assert first.json()["machine_id"] == again.json()["machine_id"]


def test_client_credentials(staffed: Staffed) -> None:
    client_id, secret = machine(staffed, "strategist", "read", "write", kind="client")
    client = staffed.client()
    basic = {"authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}
    form = {"grant_type": "client_credentials", "scope": "read"}
    given = client.post(f"{BASE}/token", data=form, headers=basic).json()
    assert (given["token_type"], given["scope"], given["expires_in"]) == ("Bearer", "read", 600)
    bearer = {"authorization": f"Bearer {given['access_token']}"}
    assert client.get(f"{BASE}/campaigns", headers=bearer).status_code == 200
    refused = [
        ({**form, "scope": "audit"}, basic, 400),
        ({**form, "grant_type": "password"}, basic, 401),
        (form, {"authorization": "Basic zz"}, 401),
        ({**form, "client_id": client_id, "client_secret": "blc_no"}, {}, 401),
    ]
    for body, headers, status in refused:
        assert client.post(f"{BASE}/token", data=body, headers=headers).status_code == status


def test_forged_swapped_and_stale_tokens(staffed: Staffed) -> None:
    good = staffed.token("strategist")
    for token in (
        "",
        "x",
        "bls_",
        good[:-1],
        good + "a",
        "bls_" + "A" * 43,
        digest(good),
        "blk_" + good[4:],
        "null",
        "é",
    ):
        client = staffed.client()
        answer = client.get(f"{BASE}/me", headers={b"authorization": f"Bearer {token}".encode("latin-1")})
        assert answer.status_code == 401, token
        assert answer.headers["www-authenticate"] == "Bearer"
    assert staffed.client().get(f"{BASE}/me", headers={"authorization": f"Basic {good}"}).status_code == 401
    # A form token of one session proves nothing in another.
    browser = staffed.client("strategist")
    from bankloop.web.shell.visitor import csrf_of

    answer = browser.post(f"{BASE}/audit/verify", headers={"x-csrf-token": csrf_of(good)})
    assert (answer.status_code, answer.json()["code"]) == (403, "request.forged")


@pytest.mark.parametrize("header", ["bankloop-role", "bankloop-purpose"])
def test_nobody_takes_a_role_or_purpose_that_is_not_theirs(staffed: Staffed, header: str) -> None:
    for value in ("auditor", "administration", "'; --", "*"):
        assert staffed.api("strategist").get(f"{BASE}/me", headers={header: value}).status_code == 403


@pytest.mark.capability("B6")
def test_an_agreement_that_is_over_is_a_403_and_a_row_of_the_trail(staffed: Staffed) -> None:
    from tests.web.sharing import expired_agreement

    shared = expired_agreement(staffed)
    before = count_access(staffed)
    answer = staffed.api(shared.person).get(
        f"{BASE}/customers/{shared.customer_no}", headers={"bankloop-purpose": shared.purpose}
    )
    assert answer.status_code == 403
    assert shared.agreement_id in answer.text
    assert count_access(staffed) > before


def count_access(staffed: Staffed) -> int:
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        return int(connection.scalar(text("SELECT count(*) FROM audit WHERE class = 'access'")) or 0)


READS = {
    "campaigns": "campaign.read", "campaigns/bind-card": "campaign.read", "campaigns/bind-card/file": "campaign.edit",
    "plans": "plan.read", "results": "round.read", "models/bind-card": "model.read", "approvals": "approval.read",
    "customers": "customer.list", "tasks": "task.read", "transfers": "transfer.read", "agreements": "agreement.read",
    "units": "unit.read", "people": "staff.read", "grants": "grant.read", "machines": "machine.read", "accounts": "account.read",
    "audit": "audit.read",
}  # fmt: skip
WRITES: dict[str, tuple[str, Any]] = {
    "campaigns/bind-card/submit": ("campaign.submit", {"emergency": False}),
    "campaigns/nobody/learn": ("model.learn", {}),
    "campaigns/nobody/evaluate": ("round.evaluate", {"rounds": [1]}),
    "grants": ("grant.submit", {"person_id": "strategist", "role": "auditor", "reason": "x"}),
    "people": ("staff.engage", {"staff_id": "strategist", "name": "x", "unit_id": "nowhere", "post": "x"}),
    "machines/none/revoke": ("machine.revoke", {}),
    "accounts/none/unlock": ("account.unlock", {}),
    "accounts/none/close": ("account.close", {}),
    "transfers": ("transfer.submit", {"from_staff": "none", "to_staff": "none2", "reason": "x"}),
    "agreements/none/end": ("agreement.end", {"reason": "x"}),
    "customers/none/unmask": ("customer.unmask", {"fields": ["region"], "reason": "x", "ticket": "T"}),
    "tasks/00000000-0000-0000-0000-000000000000/assign": ("task.assign", {"staff_id": "none"}),
    "tasks/00000000-0000-0000-0000-000000000000/finish": ("task.finish", {"reason": "x"}),
    "audit/verify": ("audit.verify", {}),
}


@pytest.mark.capability("H27")
@pytest.mark.parametrize("role", list(ROLES))
def test_each_role_passes_its_permission_test_through_the_api(staffed: Staffed, role: str) -> None:
    """Every route by every role: 403 exactly where the matrix says so; elsewhere rules speak, not rights."""
    held = {cell.permission for cell in MATRIX if cell.role == role and cell.allowed}
    client = staffed.api(staffed.of(role))
    for path, permission in READS.items():
        answer = client.get(f"{BASE}/{path}")
        assert (answer.status_code == 403) == (permission not in held), (role, path, answer.text)
        assert answer.status_code in (200, 403), (role, path, answer.text)
    for path, (permission, body) in WRITES.items():
        answer = client.post(f"{BASE}/{path}", json=body, headers=key())
        refused = answer.status_code == 403 and answer.json()["code"] == "rights.not_allowed"
        assert refused == (permission not in held), (role, path, answer.text)
        assert answer.status_code < 500, (role, path, answer.text)


def test_a_refusal_leaves_a_row_of_who_asked_for_what(staffed: Staffed) -> None:
    staffed.api("product").get(f"{BASE}/audit")
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        row = connection.execute(
            text(
                "SELECT principal, after->>'route' AS route, class FROM audit WHERE verb = 'access.denied' ORDER BY id DESC LIMIT 1"
            )
        ).one()
    assert tuple(row) == ("product", "/api/v1/audit", "security")


def test_long_work_is_a_job_whose_progress_is_read(staffed: Staffed, maker: TestClient) -> None:
    once = key()
    made = maker.post(f"{BASE}/campaigns/bind-card/evaluate", json={"rounds": [1]}, headers=once)
    again = maker.post(f"{BASE}/campaigns/bind-card/evaluate", json={"rounds": [1]}, headers=once)
    assert (made.status_code, again.status_code) == (202, 202)
    assert made.json()["job_id"] == again.json()["job_id"]
    staffed.app.state.jobs.wait()
    done = maker.get(f"{BASE}/jobs/{made.json()['job_id']}").json()
    assert (done["state"], done["result"]["campaign"]) == ("done", "bind-card")
    assert staffed.api("checker").get(f"{BASE}/jobs/{made.json()['job_id']}").status_code == 404
    assert made.json()["job_id"] in {one["job_id"] for one in maker.get(f"{BASE}/jobs").json()["items"]}


def test_a_job_that_fails_says_why(staffed: Staffed, maker: TestClient) -> None:
    made = maker.post(f"{BASE}/campaigns/bind-card/evaluate", json={"rounds": [77]}, headers=key()).json()
    staffed.app.state.jobs.wait()
    failed = maker.get(f"{BASE}/jobs/{made['job_id']}").json()
    assert failed["state"] == "failed"
    assert failed["error"]["zh"]


def test_a_job_left_by_an_ended_process_is_done_by_the_next(staffed: Staffed, maker: TestClient) -> None:
    bank, who = staffed.small.open, strategist()
    with bank.store.begin(who) as connection:
        asked = ask_job(connection, bank, "evaluate", {"campaign": "bind-card", "rounds": [1]}, "hq_strategist")
        # Another process claimed it an hour ago, and has not been heard of since.
        connection.execute(
            text(
                "UPDATE job SET state = 'running', worker = 'gone', attempts = 1, held_until = :at WHERE job_id = :job"
            ),
            {"at": now_of(connection) - timedelta(hours=1), "job": asked.job_id},
        )
    staffed.app.state.jobs.wait()
    found = maker.get(f"{BASE}/jobs/{asked.job_id}").json()
    assert (found["state"], found["attempts"]) == ("done", 2)


def test_health_readiness_and_metrics(staffed: Staffed) -> None:
    client = staffed.client()
    assert client.get("/healthz").json() == {"ok": True}
    assert client.get("/readyz").json() == {"ok": True}
    client.get(f"{BASE}/customers/C99999999", headers={"authorization": f"Bearer {staffed.token('strategist')}"})
    shown = client.get("/metrics").text
    assert 'route="/api/v1/customers/{customer_no}"' in shown
    assert "C99999999" not in shown
    far = TestClient(staffed.app, base_url="http://127.0.0.1", client=("10.0.0.9", 1))
    assert far.get("/metrics", follow_redirects=False).status_code == 303
    _, secret = machine(staffed, "sysadmin", "metrics")
    assert far.get("/metrics", headers={"authorization": f"Bearer {secret}"}).status_code == 200
    _, reading = machine(staffed, "sysadmin", "read")
    assert far.get("/metrics", headers={"authorization": f"Bearer {reading}"}).status_code == 403


def test_requests_are_spans_by_route(staffed: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", lambda name: provider.get_tracer(name))
    from contextlib import nullcontext

    from bankloop.web.shell.app import create_app

    with TestClient(create_app(lambda: nullcontext(staffed.small.open)), base_url="http://127.0.0.1") as client:
        client.get(f"{BASE}/customers/C123", headers={"authorization": "Bearer nothing"})
    span = kept.get_finished_spans()[-1]
    assert span.name == "GET /api/v1/customers/{customer_no}"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 401
    assert "C123" not in str(dict(span.attributes))


def test_the_description_is_for_those_who_signed_in(staffed: Staffed) -> None:
    assert staffed.client().get(f"{BASE}/openapi.json").status_code == 401
    found = staffed.api("strategist").get(f"{BASE}/openapi.json").json()
    assert found["openapi"].startswith("3.")
    assert all(path.startswith(BASE) for path in found["paths"])
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            assert one.get("description") or one.get("summary"), (method, path)


def test_an_account_is_opened_by_the_api(staffed: Staffed) -> None:
    made = staffed.api("sysadmin").post(f"{BASE}/accounts/new-person/open", json={}, headers=key()).json()
    assert len(made["code"]) == 23
    assert staffed.api("sysadmin").post(f"{BASE}/accounts/new-person/close", json={}, headers=key()).status_code == 200
    with staffed.small.open.store.begin(account.SIGN_IN) as connection:
        found = account.account_of(connection, "new-person")
    assert found is not None
    assert not found.active
