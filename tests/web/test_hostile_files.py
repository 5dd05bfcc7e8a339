"""What a file or a body may do to the machine: nothing; it is refused with its place, its reason and the cure."""

from __future__ import annotations

import tracemalloc
import uuid

import pytest
from fastapi.testclient import TestClient

from tests.kit.test_located import _LAUGHS
from tests.web.conftest import Staffed

_FILE = "/api/v1/campaigns/bind-card/file"
# Far more than an answer needs, far less than what any of these would unfold to.
_MEMORY = 256 << 20


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (_LAUGHS, "spec.bounds"),
        ("campaign: &a [1, *a]\n", "spec.bounds"),
        ("[" * 40_000, "spec.bounds"),
        ("campaign: " + "{a: " * 24_000, "spec.bounds"),
        ("campaign: " + "9" * 5_000, "spec.yaml"),
        ("- a\n- b\n", "spec.mapping"),
        ("", "spec.missing_field"),
        ("campaign: \x00", "spec.yaml"),
        ("1: 2\n? null\n: 3\n", "spec.missing_field"),
    ],
)
def test_a_campaign_s_file_fills_no_memory_and_breaks_nothing(staffed: Staffed, text: str, code: str) -> None:
    editor = staffed.api("strategist")
    before = editor.get(_FILE)
    headers = {"idempotency-key": uuid.uuid4().hex, "if-match": before.headers["etag"]}
    tracemalloc.start()
    try:
        answer = editor.put(_FILE, json={"text": text}, headers=headers)
        assert tracemalloc.get_traced_memory()[1] < _MEMORY
    finally:
        tracemalloc.stop()
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert editor.get(_FILE).json() == before.json()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 40_000,
        b'{"text":' * 40_000,
        b'{"text": ' + b"9" * 5_000 + b"}",
        b'{"text": ' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_a_body_that_nests_or_counts_without_end_is_refused(staffed: Staffed, body: bytes, kind: str) -> None:
    editor: TestClient = staffed.api("strategist")
    headers = {"idempotency-key": uuid.uuid4().hex, "if-match": '"x"', **({"content-type": kind} if kind else {})}
    answer = editor.put(_FILE, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "file.bounds"), answer.text


def test_a_text_that_is_no_text_is_refused(staffed: Staffed) -> None:
    editor = staffed.api("strategist")
    headers = {"idempotency-key": uuid.uuid4().hex, "if-match": editor.get(_FILE).headers["etag"]}
    answer = editor.put(_FILE, content=b'{"text": "\\ud800"}', headers={**headers, "content-type": "application/json"})
    assert answer.status_code == 422, answer.text
