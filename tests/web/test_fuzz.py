"""The API under Schemathesis, as every role: whatever is sent within and beyond its description, it answers what it declares."""

from __future__ import annotations

import re
import uuid
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankloop.organization.principals import system
from bankloop.organization.rights import MATRIX, ROLES
from bankloop.web.api.schema import described
from tests.web.conftest import Staffed

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode

pytestmark = pytest.mark.filterwarnings("ignore")
# Long work has its own tests; of who may ask for it, its jobs would only queue here.
LONG = (
    "/plans", "/runs", "/learn", "/evaluate", "/audit/verify", "/models/{name}/promote", "/identities/link", "/servicing/assign",
    "/servicing/care", "/tiers/close", "/relations/derive", "/models/{name}/watch", "/products/review", "/keys/renew", "/keys/rotate",
    "/campaigns/{name}/amount", "/forecasts/{key}/learn", "/forecasts/{key}/score", "/care/remote", "/care/maturity", "/care/drawdown",
)  # fmt: skip
# Each operation is asked by every so-manieth role and by one that may do it; the long test asks all of all.
APART, FEW, MANY = 17, 2, 2
ORDER = sorted(ROLES)
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
SENT = ("method", "url", "params", "json", "data", "files", "headers")


@cache
def held_by(role: str) -> frozenset[str]:
    return frozenset(cell.permission for cell in MATRIX if cell.role == role and cell.allowed)


def operations(staffed: Staffed) -> list[Any]:
    schema = schemathesis.openapi.from_dict(described(staffed.app))
    schema.app = staffed.app
    found = [one.ok() for one in schema.get_all_operations()]
    return sorted(found, key=lambda one: (one.path, one.method))


def verbs_of(operation: Any) -> frozenset[str]:
    return frozenset(operation.definition.raw.get("x-verbs", ()))


def sampled(found: list[Any], role: str) -> Iterator[Any]:
    """Yield the operations that a role asks for in the short test."""
    for place, one in enumerate(found):
        able = next((who for who in ORDER if verbs_of(one) & held_by(who)), ORDER[place % len(ORDER)])
        if role == able or (place + ORDER.index(role)) % APART == 0:
            yield one


def allowed(operation: Any, role: str) -> bool:
    """Return whether asking is no long work."""
    is_long = operation.method.upper() != "GET" and operation.path.endswith(LONG)
    return not (is_long and verbs_of(operation) & held_by(role))


def things(staffed: Staffed, role: str) -> dict[str, str]:
    """Return ids of what there is, for addresses of what is read."""
    with staffed.small.open.store.begin(system()) as connection:
        own = connection.exec_driver_sql("SELECT customer_no, task_id, unit_id FROM staff_task LIMIT 1").one()
    person = staffed.of(role)
    return {
        "name": "bind-card", "customer_no": own.customer_no, "task_id": str(own.task_id), "unit_id": own.unit_id, "unit": own.unit_id,
        "staff_id": person, "person_id": person, "plan_id": str(staffed.small.window.plan.plan_id), "key": "bind-card",
    }  # fmt: skip


@dataclass
class Asker:
    """A person of a role who sends examples, and how many were answered, each as declared."""

    role: str
    client: TestClient
    known: Mapping[str, str]
    answered: int = 0

    def ask(self, operation: Any, examples: int) -> None:
        """Send examples within and beyond an operation's description."""
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            send = given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())(self._send)
            settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )(send)()

    def _send(self, case: Any, real: bool) -> None:
        operation, mode = case.operation, case.meta.generation.mode
        if case.method.upper() == "GET" and real:
            case.path_parameters = {**case.path_parameters, **self.known}
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
        sent = {name: value for name, value in sent.items() if name in SENT}
        headers = {k: v for k, v in (sent.pop("headers", None) or {}).items() if k.lower() != "authorization"}
        if mode is GenerationMode.POSITIVE:
            headers["idempotency-key"] = uuid.uuid4().hex
        try:
            answer = self.client.request(headers=headers, **sent)
        except (UnicodeEncodeError, ValueError):
            return  # no client can send this
        self.answered += 1
        said = (self.role, case.method, case.path, answer.status_code, sent, answer.text[:500])
        assert answer.status_code < 500, said
        # A name with a slash or of nothing makes another address.
        own = answer.request.url.path.count("/") == operation.full_path.count("/") and answer.status_code != 405
        if own:
            assert str(answer.status_code) in operation.definition.raw["responses"], said
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", said
            assert {"code", "zh", "en"} <= set(answer.json()), said


def asker(staffed: Staffed, role: str) -> Asker:
    return Asker(role, staffed.api(staffed.of(role)), things(staffed, role))


@pytest.mark.parametrize("role", ORDER)
def test_no_request_breaks_the_api_or_is_answered_by_what_it_does_not_declare(staffed: Staffed, role: str) -> None:
    who, found = asker(staffed, role), [one for one in sampled(operations(staffed), role) if allowed(one, role)]
    for operation in found:
        who.ask(operation, FEW)
    assert who.answered > len(found)


@pytest.mark.soak
@pytest.mark.parametrize("role", ORDER)
def test_none_of_all_operations_breaks_as_any_role(staffed: Staffed, role: str, request: pytest.FixtureRequest) -> None:
    asked, day = request.config.getoption("--soak"), datetime.now(UTC).toordinal()
    everything = operations(staffed)
    # Where long tests are sampled, a quarter of what a role may ask is enough for its turn.
    part = everything if asked == "all" else everything[day // 6 % 4 :: 4]
    who, found = asker(staffed, role), [one for one in part if allowed(one, role)]
    for operation in found:
        who.ask(operation, MANY)
    assert who.answered > len(found)


def test_the_short_test_asks_for_every_operation_and_declares_no_blank(staffed: Staffed) -> None:
    found = operations(staffed)
    asked = {(one.method, one.path) for role in ORDER for one in sampled(found, role)}
    assert asked == {(one.method, one.path) for one in found}
    assert len(found) > 140
    assert [one.path for one in found if "default" in one.definition.raw["responses"]] == []


def test_a_method_that_an_address_does_not_take_is_a_405_with_those_it_takes(staffed: Staffed) -> None:
    client, document = staffed.api(staffed.of("hq_strategist")), described(staffed.app)["paths"]
    tried = 0
    for path in document:
        shaped = [other for other in document if same_shape(path, other)]
        taken = {method.upper() for other in shaped for method in document[other]}
        for method in METHODS - taken:
            answer = client.request(method, re.sub(r"\{\w+\}", str(uuid.UUID(int=0)), path), json={})
            assert (answer.status_code, answer.json()["code"]) == (405, "request.method"), (method, path)
            assert set(answer.headers["allow"].split(", ")) <= taken, (method, path)
            tried += 1
    assert tried > 300


def same_shape(path: str, other: str) -> bool:
    """Return whether a request to one address may be one to the other, names being any."""
    mine, theirs = path.split("/"), other.split("/")
    return len(mine) == len(theirs) and all(a == b or "{" in a or "{" in b for a, b in zip(mine, theirs, strict=True))


@given(text=st.text(max_size=60))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_filter_reaches_the_database_as_sql(staffed: Staffed, text: str) -> None:
    auditor = staffed.api("auditor")
    answer = auditor.get("/api/v1/audit", params={"principal": text, "limit": 1})
    assert answer.status_code in (200, 400, 422)
    if answer.status_code == 200 and answer.json()["items"]:
        assert answer.json()["items"][0]["principal"] == text
