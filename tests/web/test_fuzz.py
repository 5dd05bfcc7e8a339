"""The API under Schemathesis: whatever is sent within and beyond its description, it never breaks."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankloop.web.api.schema import described
from tests.web.conftest import Staffed

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode

pytestmark = pytest.mark.filterwarnings("ignore")
EXAMPLES = 4
# Long work has its own tests; here its jobs would only queue.
LONG = (
    "/plans", "/runs", "/learn", "/evaluate", "/audit/verify", "/models/{name}/promote", "/identities/link", "/servicing/assign",
    "/servicing/care", "/tiers/close", "/relations/derive", "/models/{name}/watch", "/products/review", "/keys/renew", "/keys/rotate",
    "/campaigns/{name}/amount", "/forecasts/{key}/learn", "/forecasts/{key}/score", "/care/remote", "/care/maturity", "/care/drawdown",
)  # fmt: skip


def operations(staffed: Staffed) -> list[Any]:
    schema = schemathesis.openapi.from_dict(described(staffed.app))
    schema.app = staffed.app
    found = [one.ok() for one in schema.get_all_operations()]
    return [one for one in found if one.method.upper() == "GET" or not one.path.endswith(LONG)]


@pytest.mark.parametrize("role", ["hq_strategist", "security_admin", "sub_branch_head"])
def test_no_request_breaks_the_api(staffed: Staffed, role: str) -> None:
    client = staffed.api(staffed.of(role))
    asked = 0
    for operation in operations(staffed):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            cases = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=cases)
            def send(case: Any) -> None:
                nonlocal asked
                sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
                sent = {
                    name: value
                    for name, value in sent.items()
                    if name in ("method", "url", "params", "json", "data", "headers")
                }
                headers = {**(sent.pop("headers", None) or {}), **dict(client.headers)}
                try:
                    answer = client.request(headers=headers, **sent)
                except (UnicodeEncodeError, ValueError):
                    return  # no client can send this
                asked += 1
                assert answer.status_code < 500, (case.method, case.path, sent, answer.text)
                if answer.status_code >= 400 and answer.headers["content-type"].startswith("application/problem"):
                    assert {"code", "zh", "en", "status"} <= set(answer.json())

            send()
    assert asked > 100


@given(text=st.text(max_size=60))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_filter_reaches_the_database_as_sql(staffed: Staffed, text: str) -> None:
    auditor = staffed.api("auditor")
    answer = auditor.get("/api/v1/audit", params={"principal": text, "limit": 1})
    assert answer.status_code in (200, 400, 422)
    if answer.status_code == 200 and answer.json()["items"]:
        assert answer.json()["items"][0]["principal"] == text
