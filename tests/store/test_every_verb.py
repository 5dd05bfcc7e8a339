"""Every verb of trail, keys and backup leaves exactly one row of its own name."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from bankloop.kit.clock import FixedClock
from bankloop.store.audit import (
    check_audit,
    place_hold,
    purge_audit,
    read_audit,
    record_access,
    release_hold,
    seal_audit,
)
from bankloop.store.backup import make_backup
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from bankloop.store.resealing import renew_seals, rotate
from bankloop.store.verbs import VERBS

PROGRAM = Principal("system:test", frozenset({"system"}), ("*",), "test")
# Restoring makes another bank: tests/store/test_backup.py looks for its row there.
ELSEWHERE = {"backup.restore"}
ROOMS = ("bankloop.store.audit", "bankloop.store.sealing", "bankloop.store.backup")


def test_every_verb_of_the_store_leaves_its_row(store: Store, tmp_path: Path) -> None:
    with store.begin(PROGRAM) as connection:
        record_access(connection, "customer", ["C1"], ["phone"])
        release_hold(connection, place_hold(connection, "customer", "C2", "order"), "lifted")
    seal_audit(store)
    rotate(store, PROGRAM)
    renew_seals(store, PROGRAM)
    make_backup(store, PROGRAM, tmp_path.with_name(f"{tmp_path.name}-verbs"), "0.1.0")
    check_audit(store)
    store.clock = FixedClock(store.clock.now() + timedelta(days=4 * 366))
    assert purge_audit(store, PROGRAM, "access", "term") == 1
    with store.begin(PROGRAM, Role.AUDITOR) as connection:
        left = Counter(row.verb for row in read_audit(connection, limit=1_000))
    mine = {name for name, act in VERBS.items() if act.__module__.startswith(ROOMS)}
    assert mine - ELSEWHERE == {name for name in mine if left[name] == 1}
