"""Every verb that a role has is an operation of the API, or stands here with the reason why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bankloop.organization import MATRIX
from bankloop.store import VERBS
from bankloop.web.api.schema import described
from tests.web.conftest import Staffed

ELSEWHERE: Mapping[str, str] = {
    "account.password": "a password is typed into the sign-in page alone",
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
