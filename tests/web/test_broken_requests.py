"""Requests that cannot be, at every operation of the API and at the forms: refused in words of ours, in both languages."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bankloop.organization.principals import system
from bankloop.organization.rights import MATRIX, ROLES
from bankloop.organization.task import open_tasks_for
from bankloop.web.api.schema import described
from tests.refusals import no_engine_in, sound
from tests.web.conftest import Staffed

pytestmark = pytest.mark.filterwarnings("ignore")  # as the description of the API is made
# Bodies that are no body of any operation, as bytes.
BODIES = (b"", b"{", b"[]", b'"x"', b"null", b'{"no_such_field": 1}', b"\xff\xfe", b'{"a": NaN}')
# A value that no field takes.
ODD: Any = {"odd": [None]}


def asking(staffed: Staffed, operation: Mapping[str, Any]) -> TestClient:
    """Return a client of a role that may do what an operation does."""
    verbs = set(operation.get("x-verbs", ()))
    held = {role: {c.permission for c in MATRIX if c.role == role and c.allowed} for role in sorted(ROLES)}
    able = next((role for role in held if verbs and verbs <= held[role]), None) or next(
        (role for role in held if verbs & held[role]), "hq_strategist"
    )
    return staffed.api(staffed.of(able))


def operations(staffed: Staffed) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield every operation that takes JSON: its method, an address, itself and the schema of its body."""
    document = described(staffed.app)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if sent is not None and "$ref" in sent["schema"]:
                schema = document["components"]["schemas"][sent["schema"]["$ref"].rsplit("/", 1)[1]]
                yield method, re.sub(r"\{\w*id\w*\}", str(uuid.uuid4()), path).replace("{", "").replace("}", ""), operation, schema  # fmt: skip


def refused(answer: Any, where: str, given: str) -> None:
    """Fail unless an answer of the API refuses in words of ours."""
    assert 400 <= answer.status_code < 500, (where, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", (where, answer.text)
    told = answer.json()
    sound(told["code"], told["zh"], told["en"], "", given)
    no_engine_in(answer.text, given)


def test_no_operation_tells_a_broken_body_in_a_library_s_words(staffed: Staffed) -> None:
    asked = 0
    for method, where, operation, schema in operations(staffed):
        client = asking(staffed, operation)
        headers = {"idempotency-key": uuid.uuid4().hex, "if-match": '"x"', "content-type": "application/json"}
        fields = dict.fromkeys(schema.get("properties", {}), ODD)
        for body in BODIES:
            refused(client.request(method, where, content=body, headers=headers), f"{method} {where} {body!r}", where)
        refused(client.request(method, where, json=fields, headers=headers), f"{method} {where} {fields}", where)
        asked += 1
    assert asked > 60


def test_no_question_tells_a_broken_parameter_in_a_library_s_words(staffed: Staffed) -> None:
    asked = 0
    for path, methods in described(staffed.app)["paths"].items():
        operation = methods.get("get")
        if operation is None:
            continue
        where = re.sub(r"\{\w+\}", "\u202eno", path)
        client = asking(staffed, operation)
        for given in operation.get("parameters", ()):
            if given["in"] == "query":
                answer = client.get(where, params={given["name"]: "\u202e{0}%00'"})
                if answer.status_code >= 400:
                    refused(answer, f"{where} {given['name']}", where)
                asked += 1
    assert asked > 30


# Role, the page with the form, where it goes, and what stands in it.
FORMS: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    ("hq_strategist", "/targets", "/targets/set", {"name": "x", "measure": "tasks", "total": "many", "first": "2026-07-01", "last": "2026-07-31"}),
    ("hq_strategist", "/targets", "/targets/set", {"name": "x", "measure": "tasks", "total": "9" * 30, "first": "2026-07-01", "last": "2026-07-31"}),
    ("hq_strategist", "/targets", "/targets/set", {"name": "x", "measure": "moons", "total": "1", "first": "soon", "last": "2026-13-45"}),
    ("hq_strategist", "/audiences", "/audiences/save", {"name": "Bad Name", "zh": "甲", "en": "a", "expression": "age < 30"}),
    ("hq_strategist", "/audiences", "/audiences/save", {"name": "good", "zh": "甲", "en": "a", "expression": "agee < 'x'"}),
    ("hq_strategist", "/rounds", "/rounds/run", {"round": "x", "start": "2026-06-30"}),
    ("hq_strategist", "/rounds", "/rounds/run", {"round": "1", "start": "2026-02-30"}),
    ("hq_strategist", "/agreements", "/agreements", {"agreement": "X", "owner_line": "retail", "to_line": "corporate", "purpose": "x", "fields": "region", "valid_to": "soon"}),
    ("hq_strategist", "/credits", "/credits/record", {"key": "x", "customer": "nobody", "unit": "nowhere", "what": "x", "amount": "much", "day": "soon"}),
    ("relationship_manager", "/workbench", "/workbench/{task}/log", {"outcome": "moon", "note": "x"}),
    ("relationship_manager", "/workbench", "/workbench/{task}/log", {"outcome": "interested", "note": "x", "next_at": "soon"}),
    ("relationship_manager", "/workbench", "/workbench/{task}/visit", {"place": "moon", "met": "x", "matter": "x"}),
    ("relationship_manager", "/workbench", "/workbench/no-uuid/log", {"outcome": "done"}),
    ("branch_commander", "/warroom", "/warroom/narrow", {"unit": "nowhere", "per_week": "many"}),
    ("branch_commander", "/warroom", "/warroom/narrow", {"condition": "age <", "reason": "x"}),
    ("product_manager", "/products/credit-card", "/products/credit-card/change", {"effective_at": "soon", "issuer": "R9", "seller": "R9", "reason": "x"}),
    ("data_scientist", "/models/bind-card", "/models/bind-card/rollback", {"version": "x", "reason": "x"}),
    ("security_admin", "/people", "/people/grants", {"person": "nobody", "role": "king", "reason": "x"}),
)  # fmt: skip


def words_of(page: str) -> str:
    """Return what a person reads of a page's own part."""
    main = page.split('id="main"', 1)[-1]
    return html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", main, flags=re.DOTALL))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("role", "page", "where", "fields"), FORMS, ids=[str(at) for at in range(len(FORMS))])
def test_a_form_is_refused_in_words_of_ours(
    staffed: Staffed, role: str, page: str, where: str, fields: Mapping[str, str], language: str
) -> None:
    person = staffed.of(role)
    client = staffed.client(person)
    client.cookies.set("language", language)
    with staffed.small.open.store.begin(system()) as connection:
        tasks = open_tasks_for(connection, person, staffed.small.open.lake.today())
    proof = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert proof is not None
    where = where.replace("{task}", str(tasks[0].task_id) if tasks else str(uuid.uuid4()))
    answer = client.post(where, data={"csrf": proof[1], **fields})
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    told = words_of(answer.text)
    no_engine_in(told, f"{fields}")
    assert re.search("[\u4e00-\u9fff]", told) or language == "en"


PAGES = (
    "/results/bind-card/x/rows", "/results/bind-card/1-1/by/branch", "/results?motive=x", "/plan/no-plan", "/plan/no-plan/rows", "/audiences/look?expression=age <",
    "/trace?id=x", "/trace?id=core/x", "/lineage?customer=x&attribute=x", "/data/moon", "/data/event/row?key=x", "/customers/x", "/customers?line=moon",
    "/board/x/1", "/board/bind-card/x", "/save/moon.pdf", "/daily/x.pdf", "/products/x", "/models/x", "/lists/x/returned.xlsx", "/nothing", "/metrics?by=moon",
)  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_cannot_be_is_refused_in_words_of_ours(staffed: Staffed, path: str, language: str) -> None:
    client = staffed.client(staffed.of("hq_strategist"))
    client.cookies.set("language", language)
    answer = client.get(path)
    assert answer.status_code < 500, (path, answer.text)
    if answer.status_code >= 400:
        no_engine_in(words_of(answer.text), path)
