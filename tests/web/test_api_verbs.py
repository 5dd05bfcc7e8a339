"""Every verb that a role has is an operation of the API, or stands here with the reason why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bankloop.organization import account
from bankloop.organization.rights import MATRIX, ROLES
from bankloop.store.verbs import VERBS
from bankloop.web.api.schema import described
from tests.customer.test_worklist import xlsx
from tests.web.conftest import Staffed

ELSEWHERE: Mapping[str, str] = {
    "account.password": "typed into the sign-in page alone",  # pragma: allowlist secret
    "account.enrol": "a second factor is set up within a session, on its page",
    "account.confirm": "a second factor is set up within a session, on its page",
    "session.end": "a session ends on its own page; a credential ends with machine.revoke",
    "approval.void": "an edit voids what was asked for; nobody does it by itself",
    "campaign.start": "a run starts its campaigns, in the transaction that makes them run",
    "backup.make": "a backup is written to a folder of the bank's machine, by its command",
    "backup.restore": "a restored bank is another bank: made by a command, beside a store that nobody serves",
    "identity.load": "registers are read from files of the bank's machine, by its command",
}


def operations(staffed: Staffed) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    paths: Mapping[str, Mapping[str, Any]] = described(staffed.app)["paths"]
    for path, methods in paths.items():
        for method, one in methods.items():
            for name in one.get("x-verbs", ()):
                found.setdefault(name, []).append(f"{method.upper()} {path}")
    return found


def test_every_verb_that_somebody_has_is_in_the_api(staffed: Staffed) -> None:
    held = {cell.permission for cell in MATRIX if cell.allowed} & set(VERBS)
    offered = set(operations(staffed))
    assert offered <= set(VERBS)
    assert offered & set(ELSEWHERE) == set()
    assert held - offered == set(ELSEWHERE) & held


def test_every_write_of_the_api_says_which_verb_it_does(staffed: Staffed) -> None:
    silent = [
        path
        for path, methods in described(staffed.app)["paths"].items()
        for method, one in methods.items()
        if method in ("post", "put") and not one.get("x-verbs") and path != "/api/v1/plans"
    ]
    assert silent == []  # making a plan changes nothing


@pytest.mark.parametrize("verb", ["unit.open", "hold.place", "merge.run", "servicing.assign", "worklist.take"])
def test_a_verb_has_one_place(staffed: Staffed, verb: str) -> None:
    assert len(operations(staffed)[verb]) == 1


BASE = "/api/v1"


def key() -> dict[str, str]:
    return {"idempotency-key": uuid4().hex}


def test_a_unit_is_opened_moved_and_closed_and_a_deputy_named(staffed: Staffed) -> None:
    admin = staffed.api("sysadmin")
    tree = admin.get(f"{BASE}/units").json()["items"]
    branch, other = [one["unit_id"] for one in tree if one["kind"] == "branch"][:2]
    made = {"unit_id": "S9901", "parent_id": branch, "kind": "sub_branch", "zh": "新支行", "en": "New sub-branch"}
    once = key()
    first, again = (admin.post(f"{BASE}/units", json=made, headers=once) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    assert admin.post(f"{BASE}/units", json=made, headers=key()).status_code == 409
    under_itself = admin.post(f"{BASE}/units/{branch}/move", json={"parent_id": "S9901", "reason": "x"}, headers=key())
    assert (under_itself.status_code, under_itself.json()["code"]) == (400, "people.own_ancestor")
    # In a bank whose clock stands still a unit moves later than it was opened.
    later = {"parent_id": other, "reason": "merger", "at": "2030-01-01T00:00:00+08:00"}
    assert admin.post(f"{BASE}/units/S9901/move", json=later, headers=key()).status_code == 200
    full = admin.post(f"{BASE}/units/{branch}/close", json={"reason": "x"}, headers=key())
    assert (full.status_code, full.json()["code"]) == (409, "people.unit_in_use")
    listed = [one["staff_id"] for one in admin.get(f"{BASE}/people", params={"limit": 200}).json()["items"]]
    manager = next(one for one in reversed(listed) if one not in staffed.people)
    alone = admin.post(f"{BASE}/people/{manager}/deputy", json={"deputy": manager, "reason": "x"}, headers=key())
    assert alone.status_code == 400  # nobody stands in for themselves
    named = admin.post(
        f"{BASE}/people/{manager}/deputy", json={"deputy": "strategist", "reason": "leave"}, headers=key()
    )
    assert named.json() == {"staff_id": manager, "deputy": "strategist", "kind": "backup"}
    assert staffed.api("auditor").post(f"{BASE}/units", json=made, headers=key()).status_code == 403


def test_an_account_is_bound_to_one_subject(staffed: Staffed) -> None:
    admin = staffed.api("sysadmin")
    bound = admin.post(f"{BASE}/accounts/strategist/bind", json={"subject": "idp-1"}, headers=key())
    assert bound.json() == {"person_id": "strategist", "bound": True}
    taken = admin.post(f"{BASE}/accounts/checker/bind", json={"subject": "idp-1"}, headers=key())
    assert taken.status_code == 409
    assert (
        admin.post(f"{BASE}/accounts/strategist/bind", json={"subject": None}, headers=key()).json()["bound"] is False
    )


def test_a_hold_stops_an_erasure_until_it_is_released(staffed: Staffed) -> None:
    number = staffed.own_customer(staffed.of("relationship_manager"))
    officer, steward = staffed.api("compliance"), staffed.api("steward")
    asked = {"object_kind": "customer", "object_id": number, "reason": "lawsuit"}
    made = officer.post(f"{BASE}/holds", json=asked, headers=key()).json()["hold_id"]
    held = officer.get(f"{BASE}/holds", params={"object_kind": "customer", "object_id": number}).json()["items"]
    assert [one["hold_id"] for one in held] == [made]
    stopped = steward.post(f"{BASE}/customers/{number}/erasure/run", json={}, headers=key())
    assert (stopped.status_code, made in stopped.text) == (409, True)
    assert officer.post(f"{BASE}/holds/{made}/release", json={"reason": "over"}, headers=key()).status_code == 200
    free = steward.post(f"{BASE}/customers/{number}/erasure/run", json={}, headers=key())
    assert free.status_code == 409  # nobody has approved it
    assert made not in free.text


def test_a_person_s_copy_is_shown_once_and_kept_nowhere(staffed: Staffed) -> None:
    number, steward = staffed.own_customer(staffed.of("relationship_manager")), staffed.api("steward")
    asked = steward.post(f"{BASE}/customers/{number}/copy", json={"reason": "own wish"}, headers=key()).json()
    assert steward.post(f"{BASE}/customers/{number}/copy/run", json={}, headers=key()).status_code == 409
    for person in ("compliance", "checker"):
        acted = staffed.api(person).post(f"{BASE}/approvals/{asked['request']}/pass", json={}, headers=key())
        assert acted.status_code == 200, acted.text
    once = key()
    first, again = (steward.post(f"{BASE}/customers/{number}/copy/run", json={}, headers=once) for _ in range(2))
    assert first.json()["copy"]["numbers"] == [number]
    assert "copy" not in again.json()
    with staffed.small.open.store.begin(account.SIGN_IN) as connection:
        kept = connection.scalars(select(account.idempotency_table.c.body)).all()
    assert not any('"holding"' in body for body in kept)


@pytest.mark.parametrize(
    ("person", "path", "result"),
    [
        ("strategist", "servicing/assign", "modes"), ("strategist", "servicing/care", "due"), ("strategist", "care/remote", "calls"), ("steward", "relations/derive", "edges"),
        ("product", "products/review", "opened"), ("secadmin", "keys/renew", "renewed"), ("steward", "identities/link", "identities"),
    ],
)  # fmt: skip
def test_regular_work_is_a_job(staffed: Staffed, person: str, path: str, result: str) -> None:
    client = staffed.api(person)
    made = client.post(f"{BASE}/{path}", json={}, headers=key())
    assert made.status_code == 202, made.text
    staffed.app.state.jobs.wait()
    done = client.get(f"{BASE}/jobs/{made.json()['job_id']}").json()
    assert (done["state"], done["error"]) == ("done", None)
    assert result in done["result"]


def test_a_month_that_is_not_over_is_a_job_that_fails_with_the_reason(staffed: Staffed) -> None:
    client = staffed.api("strategist")
    made = client.post(f"{BASE}/tiers/close", json={"month": "2099-01-01"}, headers=key()).json()
    staffed.app.state.jobs.wait()
    failed = client.get(f"{BASE}/jobs/{made['job_id']}").json()
    assert (failed["state"], failed["error"]["code"]) == ("failed", "tier.not_over")


def test_a_forecast_is_learned_by_a_job_and_not_scored_before_somebody_approved_it(staffed: Staffed) -> None:
    client = staffed.api("strategist")
    unknown = client.post(f"{BASE}/forecasts/churm/learn", json={}, headers=key())
    assert (unknown.status_code, "churn" in unknown.text) == (404, True)
    made = [client.post(f"{BASE}/forecasts/churn/{act}", json={}, headers=key()).json() for act in ("learn", "score")]
    staffed.app.state.jobs.wait()
    learned, scored = (client.get(f"{BASE}/jobs/{one['job_id']}").json() for one in made)
    assert (learned["state"], learned["error"]) == ("done", None)
    assert learned["result"]["kind"] == "forecast"
    assert (scored["state"], scored["error"]["code"]) == ("failed", "forecast.no_champion")


def test_a_list_is_taken_in_and_recalled(staffed: Staffed) -> None:
    numbers = [staffed.own_customer(staffed.of("relationship_manager"))]
    client, once = staffed.api("strategist"), key()
    body = xlsx(*((number, "回访", 10, "") for number in numbers), ("NOBODY", "", "", ""))
    asked = {"name": "回访三月", "due": (staffed.small.open.lake.today() + timedelta(days=3)).isoformat()}
    first, again = (
        client.post(f"{BASE}/lists", data=asked, files={"file": ("x.xlsx", body)}, headers=once) for _ in range(2)
    )
    assert (first.status_code, again.json()) == (201, first.json())
    found = first.json()
    assert "NOBODY" in {one["customer_no"] for one in found["returned"]}
    gone = client.post(f"{BASE}/lists/{found['list']['list_id']}/recall", json={"reason": "x"}, headers=key())
    assert gone.json()["recalled"] == found["list"]["usable"]
    wrong = client.post(f"{BASE}/lists", data=asked, files={"file": ("x.xlsx", b"not at all")}, headers=key())
    assert (wrong.status_code, "xlsx" in wrong.text) == (422, True)


def test_merging_needs_an_approval_and_an_unknown_pair_is_said(staffed: Staffed) -> None:
    steward = staffed.api("steward")
    pair = {"one": "C999999999", "other": "C999999998"}
    assert steward.post(f"{BASE}/merges/run", json=pair, headers=key()).status_code == 404
    assert set(steward.get(f"{BASE}/merges").json()) == {"waiting", "made"}
    none = steward.post(
        f"{BASE}/channels/none/bind", json={"customer_no": "C1", "evidence": {"code": "1"}}, headers=key()
    )
    assert none.status_code == 404
    unheard = steward.post(f"{BASE}/merges/{uuid4()}/decide", json={"same": True, "reason": "x"}, headers=key())
    assert unheard.status_code in (404, 409)


def test_a_plan_s_lines_are_exported_and_that_is_written_down(staffed: Staffed, plan_id: str) -> None:
    client = staffed.api("strategist")
    lines = client.get(f"{BASE}/plans/{plan_id}/export", params={"format": "json"})
    assert lines.status_code == 200
    assert len(lines.json()) >= 1
    assert staffed.api("product").get(f"{BASE}/plans/{plan_id}/export").status_code == 403


def test_a_campaign_is_scheduled_by_its_maker(staffed: Staffed) -> None:
    nobody = staffed.api("strategist").post(
        f"{BASE}/campaigns/bind-card/schedule", json={"starts_on": "2020-01-01"}, headers=key()
    )
    assert nobody.status_code in (400, 409)  # it runs already, and the day is over
    denied = staffed.api("checker").post(
        f"{BASE}/campaigns/bind-card/schedule", json={"starts_on": "2030-01-01"}, headers=key()
    )
    assert denied.status_code == 403


def example(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Any:
    """The plainest value that fits a schema of ours."""
    if "$ref" in schema:
        return example(parts[schema["$ref"].rsplit("/", 1)[1]], parts)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], parts)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            needed = schema.get("required", ())
            return {
                name: example(one, parts) for name, one in schema.get("properties", {}).items() if name in needed
            } or ({"x": "x"} if schema.get("minProperties") else {})
        case "array":
            return [example(schema["items"], parts)] * schema.get("minItems", 0)
        case "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    moment = {"date": "2030-01-01", "date-time": "2030-01-01T00:00:00+08:00", "uuid": str(UUID(int=0)), "binary": "x"}
    return moment.get(schema.get("format", ""), "R1" if "pattern" in schema else "nobody")


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_role_does_by_the_api_what_it_has_no_verb_for(staffed: Staffed, role: str) -> None:
    """Every operation that does something, by every role: without one of its verbs nothing is done, and 403 says why."""
    client, held = staffed.api(staffed.of(role)), {c.permission for c in MATRIX if c.role == role and c.allowed}
    document = described(staffed.app)
    parts, refused = document["components"]["schemas"], 0
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            verbs = set(one.get("x-verbs", ()))
            if not verbs or verbs & held or verbs == {"machine.token"}:
                continue
            where = path
            for given in one.get("parameters", ()):
                if given["in"] == "path":
                    where = where.replace(f"{{{given['name']}}}", str(example(given["schema"], parts)))
            asked = one.get("requestBody", {}).get("content", {})
            body = {kind: example(sent["schema"], parts) for kind, sent in asked.items()}
            sent: dict[str, Any] = {"json": body["application/json"]} if "application/json" in body else {}
            if "multipart/form-data" in body:
                sent = {
                    "data": {k: v for k, v in body["multipart/form-data"].items() if k != "file"},
                    "files": {"file": b"x"},
                }
            answer = client.request(method, where, headers={**key(), "if-match": '"x"'}, **sent)
            assert answer.status_code in (403, 404), (role, method, path, answer.status_code, answer.text)
            refused += answer.status_code == 403
    assert refused > 20
