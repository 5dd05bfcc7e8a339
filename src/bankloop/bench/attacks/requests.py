"""Requests that are more, larger or other than the API describes."""

from __future__ import annotations

import threading
import tracemalloc
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from bankloop.bench.attacks.target import BASE, CAMPAIGN, AttackTarget, attack, held, hidden, key, rows_of
from bankloop.web.shell.visitor import csrf_of

_FILE = f"{BASE}/campaigns/{CAMPAIGN}/file"
_MEMORY = 256 << 20
_AT_ONCE = 20
_HOSTILE = (
    "'; DROP TABLE account; --",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\u202e",
    "a" * 300,
    "{0}",
    "%00",
    "1 OR 1=1",
)
_LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _agreement(name: str, **other: Any) -> dict[str, Any]:
    return {
        "agreement_id": name,
        "owner_line": "retail",
        "to_line": "corporate",
        "purpose": "service",
        "fields": ["region"],
        "valid_to": "2029-01-01T00:00:00Z",
        "reason": "pilot",
        **other,
    }


@attack("requests")
def send_a_request_many_times_at_once(target: AttackTarget) -> None:
    """Send one request many times at once, to have its effect more than once."""
    name, once, start = f"a-{uuid.uuid4().hex[:12]}", key(), threading.Barrier(_AT_ONCE)
    token = target.token("hq_strategist")

    def send(_: int) -> int:
        client = target.stranger()
        start.wait()
        headers = {**once, "authorization": f"Bearer {token}"}
        return int(client.post(f"{BASE}/agreements", json=_agreement(name), headers=headers).status_code)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        codes = set(pool.map(send, range(_AT_ONCE)))
    held(codes <= {201, 409}, codes)
    held(rows_of(target, "agreement.submit", name) == 1, "more than one effect")


@attack("requests")
def reuse_a_key_for_another_request(target: AttackTarget) -> None:
    """Use a request's key for other content, to have it taken for the first."""
    once, name, client = key(), f"a-{uuid.uuid4().hex[:12]}", target.api("hq_strategist")
    client.post(f"{BASE}/agreements", json=_agreement(name), headers=once)
    other = client.post(f"{BASE}/agreements", json=_agreement(name, purpose="analysis"), headers=once)
    held(other.status_code == 422, other.text)


@attack("requests")
def read_anothers_answer_by_their_key(target: AttackTarget) -> None:
    """Read the answer kept for another person by using that person's key."""
    once, name = key(), f"a-{uuid.uuid4().hex[:12]}"
    target.api("hq_strategist").post(f"{BASE}/agreements", json=_agreement(name), headers=once)
    stolen = target.api("data_steward").post(f"{BASE}/agreements", json=_agreement(name), headers=once)
    held("idempotency-replayed" not in stolen.headers, stolen.text)


@attack("requests")
def set_fields_that_nobody_offers(target: AttackTarget) -> None:
    """Set fields beside those that a request has: a state, a maker, rights."""
    for more in ({"state": "active"}, {"maker": "checker"}, {"rights": ["*"]}):
        body = {**_agreement(f"a-{uuid.uuid4().hex[:12]}"), **more}
        answer = target.api("hq_strategist").post(f"{BASE}/agreements", json=body, headers=key())
        held(answer.status_code == 422, f"{more}: {answer.status_code}")


@attack("requests")
def write_sql_and_paths_as_names(target: AttackTarget) -> None:
    """Give SQL, paths, script and zeros as names in addresses and filters."""
    admin, maker = target.api("security_admin"), target.api("hq_strategist")
    for hostile in _HOSTILE:
        for answer in (
            maker.get(f"{BASE}/customers/{hostile}"),
            maker.get(f"{BASE}/campaigns/{hostile}"),
            maker.get(f"{BASE}/campaigns/{hostile}/file"),
            admin.post(f"{BASE}/accounts/{hostile}/unlock", json={}, headers=key()),
            target.api("auditor").get(f"{BASE}/audit", params={"principal": hostile}),
        ):
            held(answer.status_code in (200, 400, 403, 404, 405, 422), f"{hostile}: {answer.status_code}")
    held(target.scalar(text("SELECT count(*) FROM staff")) > 0, "a table is gone")


@attack("requests")
def put_script_into_a_page(target: AttackTarget) -> None:
    """Have a page show what the address says as script."""
    client = target.browser("hq_strategist")
    for path in ("/audiences?text=", "/customers?q=", "/campaigns/", "/book?q="):
        answer = client.get(path + "<script>alert(1)</script>")
        held("<script>alert(1)" not in answer.text, path)
        policy = answer.headers.get("content-security-policy", "")
        held("unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0], policy)
        held("default-src" in policy, f"{path} has no policy")


@attack("requests")
def frame_a_page(target: AttackTarget) -> None:
    """Show the console in a frame of another site."""
    answer = target.browser("hq_strategist").get("/")
    held("frame-ancestors 'none'" in answer.headers.get("content-security-policy", ""), dict(answer.headers))
    held(answer.headers.get("x-content-type-options") == "nosniff", dict(answer.headers))


@attack("requests")
def ask_with_a_number_beyond_reckoning(target: AttackTarget) -> None:
    """Ask for an audience by a number whose exponent alone is more work than a machine does."""
    for asked in ("aum > 1e99999999", "aum > " + "9" * 400, "aum > 1e-99999999"):
        answer = target.api("hq_strategist").get(f"{BASE}/audience", params={"expression": asked})
        held(answer.status_code in (400, 422), f"{asked[:20]}: {answer.status_code}")


@attack("requests")
def unfold_a_file_to_gigabytes(target: AttackTarget) -> None:
    """Send a campaign's file of 300 bytes that unfolds to gigabytes, or refers to itself, or nests without end."""
    editor = target.api("hq_strategist")
    etag = editor.get(_FILE).headers["etag"]
    for written in (_LAUGHS, "campaign: &a [1, *a]\n", "[" * 40_000, "campaign: " + "{a: " * 24_000):
        tracemalloc.start()
        try:
            answer = editor.put(_FILE, json={"text": written}, headers={**key(), "if-match": etag})
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        held(answer.status_code == 422 and peak < _MEMORY, f"{answer.status_code}, {peak >> 20} MB")


@attack("requests")
def nest_a_body_without_end(target: AttackTarget) -> None:
    """Send a body that nests forty thousand deep, or a number of five thousand digits."""
    editor = target.api("hq_strategist")
    for body in (b"[" * 40_000, b'{"text":' * 40_000, b'{"text": ' + b"9" * 5_000 + b"}"):
        headers = {**key(), "if-match": '"x"', "content-type": "application/json"}
        answer = editor.put(_FILE, content=body, headers=headers)
        held(answer.status_code == 422, answer.status_code)


@attack("requests")
def send_a_body_beyond_all_bounds(target: AttackTarget) -> None:
    """Send more than a request may hold."""
    headers = {**key(), "if-match": '"x"', "content-type": "application/json"}
    answer = target.api("hq_strategist").put(_FILE, content=b'"' + b"a" * (64 << 20) + b'"', headers=headers)
    held(answer.status_code == 413, answer.status_code)


@attack("requests")
def overwrite_what_another_edited(target: AttackTarget) -> None:
    """Save over an edit that one has not seen."""
    editor = target.api("hq_strategist")
    seen = editor.get(_FILE)
    mine = editor.put(
        _FILE, json={"text": seen.json()["text"] + "# 1\n"}, headers={**key(), "if-match": seen.headers["etag"]}
    )
    held(mine.status_code == 200, mine.text)
    late = editor.put(_FILE, json={"text": "# 2\n"}, headers={**key(), "if-match": seen.headers["etag"]})
    held(late.status_code == 412, late.status_code)
    back = {**key(), "if-match": f'"{mine.json()["etag"]}"'}
    held(editor.put(_FILE, json={"text": seen.json()["text"]}, headers=back).status_code == 200, "not put back")


@attack("requests")
def forge_where_a_list_goes_on(target: AttackTarget) -> None:
    """Forge or borrow the mark where a list goes on, to read on in another's."""
    steward = target.api("data_steward")
    mark = steward.get(f"{BASE}/people", params={"limit": 2}).json()["next"]
    for forged in ("zz", "00", mark[:-2] + "00"):
        held(steward.get(f"{BASE}/people", params={"cursor": forged}).status_code == 400, forged)
    borrowed = target.api("system_admin").get(f"{BASE}/people", params={"cursor": mark})
    held(borrowed.status_code == 400, borrowed.status_code)


@attack("requests")
def post_a_form_without_its_proof(target: AttackTarget) -> None:
    """Have a signed-in browser send a form of another site, without a proof, or with another session's."""
    client, other = target.browser("hq_strategist"), target.token("hq_strategist")
    for form in ({}, {"csrf": "0" * 64}, {"csrf": csrf_of(other)}):
        client.post("/signout", data=form)
        held(client.get("/", follow_redirects=False).status_code == 200, "signed out by another")
    proof = hidden(client.get("/").text, "csrf")
    answer = client.post("/signout", data={"csrf": proof}, headers={"sec-fetch-site": "cross-site"})
    held(answer.status_code == 403, answer.status_code)


@attack("requests")
def call_by_a_cookie_without_proof(target: AttackTarget) -> None:
    """Call the API from another site by the cookie alone."""
    client = target.browser("auditor")
    answer = client.post(f"{BASE}/audit/verify", json={}, headers=key())
    held(answer.status_code == 403, answer.status_code)


@attack("requests")
def come_by_another_host_name(target: AttackTarget) -> None:
    """Come under a name that is not this machine's, as a rebound address does."""
    answer = target.browser("hq_strategist").get("/", headers={"host": "evil.example"}, follow_redirects=False)
    held(answer.status_code == 403, answer.status_code)


@attack("requests")
def make_the_api_fail(target: AttackTarget) -> None:
    """Send bytes that are no text, no JSON, or no form to every call that takes a body."""
    admin = target.api("hq_strategist")
    for path in ("agreements", "runs", "plans", "tasks", "lists", "segments", "interactions", "targets"):
        for body in (b"\xff\xfe", b"{", b"null", b'"\\ud800"', b"[]"):
            answer = admin.post(f"{BASE}/{path}", content=body, headers={**key(), "content-type": "application/json"})
            held(400 <= answer.status_code < 500, f"{path} {body!r}: {answer.status_code}")
