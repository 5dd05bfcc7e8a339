"""The API under Schemathesis, as every role: whatever is sent within and beyond its description, it answers what it declares."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
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
APART, FEW, MANY = 7, 2, 6
ORDER = sorted(ROLES)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


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


def ask(staffed: Staffed, role: str, found: list[Any], examples: int) -> int:
    """Send examples within and beyond each operation's description; return how many were answered, all as declared."""
    client, known, asked = staffed.api(staffed.of(role)), things(staffed, role), 0
    for operation in found:
        declared = set(operation.definition.raw["responses"])
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
            def send(case: Any, real: bool) -> None:
                nonlocal asked
                if case.method.upper() == "GET" and real:
                    case.path_parameters = {**case.path_parameters, **known}
                sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
                names = ("method", "url", "params", "json", "data", "files", "headers")
                sent = {name: value for name, value in sent.items() if name in names}
                headers = {**(sent.pop("headers", None) or {}), **dict(client.headers)}
                if mode is GenerationMode.POSITIVE:
                    headers["idempotency-key"] = uuid.uuid4().hex
                try:
                    answer = client.request(headers=headers, **sent)
                except (UnicodeEncodeError, ValueError):
                    return  # no client can send this
                asked += 1
                said = (role, case.method, case.path, answer.status_code, sent, answer.text[:500])
                assert answer.status_code < 500, said
                if answer.status_code == 404 and "code" not in answer.json():
                    return
                assert answer.status_code == 405 or str(answer.status_code) in declared, said
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json", said
                    assert {"code", "zh", "en"} <= set(answer.json()), said

            send()
    return asked


@pytest.mark.parametrize("role", ORDER)
def test_no_request_breaks_the_api_or_is_answered_by_what_it_does_not_declare(staffed: Staffed, role: str) -> None:
    found = [one for one in sampled(operations(staffed), role) if allowed(one, role)]
    assert ask(staffed, role, found, FEW) > len(found)


@pytest.mark.soak
@pytest.mark.parametrize("role", ORDER)
def test_none_of_all_operations_breaks_as_any_role(staffed: Staffed, role: str) -> None:
    found = [one for one in operations(staffed) if allowed(one, role)]
    assert ask(staffed, role, found, MANY) > len(found)


def test_the_short_test_asks_for_every_operation_and_declares_no_blank(staffed: Staffed) -> None:
    found = operations(staffed)
    asked = {(one.method, one.path) for role in ORDER for one in sampled(found, role)}
    assert asked == {(one.method, one.path) for one in found}
    assert len(found) > 140
    assert [one.path for one in found if "default" in one.definition.raw["responses"]] == []


def test_a_method_that_an_address_does_not_take_is_a_405_with_those_it_takes(staffed: Staffed) -> None:
    client = staffed.api(staffed.of("hq_strategist"))
    for path, methods in described(staffed.app)["paths"].items():
        taken = {one.upper() for one in methods}
        where = path
        for name in ("task_id", "plan_id", "approval_id"):
            where = where.replace(f"{{{name}}}", str(uuid.UUID(int=0)))
        for method in METHODS:
            answer = (
                client.request(method, where.replace("{", "").replace("}", ""), json={})
                if method not in taken
                else None
            )
            if answer is not None and answer.status_code != 405:
                # Another address of the same shape takes it.
                assert answer.status_code in (401, 403, 404, 422), (method, path, answer.status_code)
                assert _shaped(staffed, path, method), (method, path)
            elif answer is not None:
                assert taken & set(answer.headers["allow"].replace(" ", "").split(",")), (method, path)


def _shaped(staffed: Staffed, path: str, method: str) -> bool:
    """Return whether another address that takes the method is written like this one, but for a name in braces."""
    parts = path.split("/")
    for other, methods in described(staffed.app)["paths"].items():
        mine = other.split("/")
        if other != path and method.lower() in methods and len(mine) == len(parts):
            if all(a == b or "{" in a or "{" in b for a, b in zip(mine, parts, strict=True)):
                return True
    return False


@given(text=st.text(max_size=60))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_filter_reaches_the_database_as_sql(staffed: Staffed, text: str) -> None:
    auditor = staffed.api("auditor")
    answer = auditor.get("/api/v1/audit", params={"principal": text, "limit": 1})
    assert answer.status_code in (200, 400, 422)
    if answer.status_code == 200 and answer.json()["items"]:
        assert answer.json()["items"][0]["principal"] == text
