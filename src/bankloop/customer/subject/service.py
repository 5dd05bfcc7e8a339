"""What a person may ask of their data: a copy of all of it, and its erasure as far as the law lets it go.

Both are asked for, approved by others and done once. A copy holds what is theirs and nothing confidential; an erasure
takes what may go, stops all marketing, and says of what stays by which rule and until when.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.customer.consent import ledger_of, restrict
from bankloop.customer.identity import disclosed_identity, forget_identity, numbers_of
from bankloop.customer.subject.contracts import Erased, ErasurePlan, Fate
from bankloop.customer.subject.rules import erasure_plan, read_retention
from bankloop.kit.clock import local_day
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import DataClass, Scope
from bankloop.lake.service import Lake
from bankloop.organization.approval import (
    Approval,
    ApprovalState,
    Effects,
    approval_of,
    close_request,
    have_effect,
    hold_in_force,
    start_request,
    submit_approval,
)
from bankloop.organization.erasure import KIND as ERASURE
from bankloop.organization.erasure import erase_customer
from bankloop.store.audit import holds_on, record_audit
from bankloop.store.database import bank_wide, now_of
from bankloop.store.verbs import verb

KIND = "export"
_KEPT = ("state/*.arrow", "profile/*")
_STORED = {
    "contacts": "SELECT due_day, channel, campaign, contact_class, accepted, refused_by FROM contact WHERE customer_no = ANY (:numbers) ORDER BY due_at",
    "decisions": "SELECT campaign, round, window_start, issued_action, reasons, attributes, model_versions FROM decision WHERE customer_no = ANY (:numbers) ORDER BY recorded_at",
    "events": "SELECT type, occurred_at, channel, scene, amount_fen FROM event WHERE customer_no = ANY (:numbers) ORDER BY occurred_at",
}


def ask_export(connection: Connection, customer_no: str, reason: str) -> UUID:
    """Ask that a person be given a copy of their data, and return the request; compliance and another approve it."""
    ledger_of(connection, customer_no)  # refuses who is out of scope
    what = {"person": customer_no, "reason": reason}
    found: UUID = submit_approval(connection, KIND, f"person:{customer_no}", digest(what), content=what, reason=reason)
    return found


@verb("export.run")
def export_person(connection: Connection, lake: Lake, customer_no: str) -> Mapping[str, Any]:
    """Return all that is kept of a person, as it was approved, once; ``ConflictError`` without an approval in force.

    Confidential columns, other people, and what the trail knows of staff are no part of it.
    """
    name = f"person:{customer_no}"
    with bank_wide(connection):
        request = approval_of(connection, KIND, name)
        held = hold_in_force(connection, KIND, name, request.digest if request else "")
        start_request(connection, held.approval_id, "export.run")
        numbers = numbers_of(connection, customer_no)
        copy: dict[str, Any] = {"request": str(held.approval_id), "numbers": numbers, "made_at": now_of(connection)}
        copy |= disclosed_identity(connection, numbers)
        for part, query in _STORED.items():
            copy[part] = [dict(row) for row in connection.execute(text(query), {"numbers": numbers}).mappings()]
        copy |= {
            table: _own_rows(lake, table, numbers)
            for table in ("customer", "customer_extra", "holding", "standing_order", "event", "event_extra", "score")
        }
        close_request(connection, held.approval_id, "", "export.run")
    copy["consents"] = [
        {"purpose": w.purpose.value, "channel": w.channel, "recipient": w.recipient, "stands": w.stands, "said_at": w.said_at,
         "origin": w.origin, "evidence": dict(w.evidence)}
        for w in ledger_of(connection, customer_no)
    ]  # fmt: skip
    counts = {part: len(rows) for part, rows in copy.items() if isinstance(rows, list)}
    record_audit(connection, "export.run", "customer", customer_no, None, counts, held.reason, class_="access", subject=customer_no)  # fmt: skip
    return copy


def plan_erasure(connection: Connection, lake: Lake, customer_no: str) -> ErasurePlan:
    """Return what erasing a person would do today, category by category; for who sees the customer."""
    ledger_of(connection, customer_no)
    with bank_wide(connection):
        return _plan(connection, lake, customer_no, numbers_of(connection, customer_no))


def erase_person(connection: Connection, lake: Lake, folder: Path, customer_no: str) -> Erased:
    """Erase of a person what may go and was approved to, set every stop, and say what stays and why; once.

    Raises ``ConflictError`` without an approval in force and under a legal hold.
    """
    with bank_wide(connection):
        plan = _plan(connection, lake, customer_no, numbers_of(connection, customer_no))
    whole = plan.fate("identity") is Fate.ERASED
    said = {one.category: {"fate": one.fate.value, "until": one.until} for one in plan.rulings}
    gone = dict(erase_customer(connection, customer_no, sealed=whole, detail=said))
    if whole:
        gone["records"] = forget_identity(connection, customer_no)
    stops = restrict(connection, customer_no, "erasure", {"request": "erasure"})
    if plan.fate("profile") is Fate.ERASED:
        gone["states"] = _forget_states(folder)
    return Erased(plan, gone, stops)


def _plan(connection: Connection, lake: Lake, customer_no: str, numbers: list[str]) -> ErasurePlan:
    holds = [hold.reason for number in numbers for hold in holds_on(connection, "customer", number)]
    today = local_day(now_of(connection), lake.zone)
    ended = _ended_on(lake, numbers)
    return erasure_plan(customer_no, read_retention(lake.folder), ended, holds, today)


def _ended_on(lake: Lake, numbers: list[str]) -> date | None:
    """Return the day of a person's last event where they hold nothing any more; None while they hold something."""
    if "holding" not in lake.current_versions() or _own_rows(lake, "holding", numbers):
        return None
    events = (
        [row["occurred_at"] for row in _own_rows(lake, "event", numbers)] if "event" in lake.current_versions() else []
    )
    opened = (
        [row["opened_on"] for row in _own_rows(lake, "customer", numbers)]
        if "customer" in lake.current_versions()
        else []
    )
    days = [local_day(moment, lake.zone) for moment in events] + [day for day in opened if day is not None]
    return max(days, default=None)


def _own_rows(lake: Lake, table: str, numbers: list[str]) -> list[dict[str, Any]]:
    """Return a person's rows of a table with what is theirs to see: class C2 plain, confidential columns left out."""
    if table not in lake.current_versions():
        return []
    shown = [c for c in CONTRACTS[table].columns if not c.confidential]
    plain = frozenset(c.name for c in shown if c.data_class is DataClass.C2)
    scope = Scope("personal data", None, unmask=plain, customers=frozenset(numbers))
    rows: list[dict[str, Any]] = lake.table(table, scope).select([c.name for c in shown]).to_pyarrow().to_pylist()
    return rows


def _forget_states(folder: Path) -> int:
    """Remove kept states and profiles, which hold everybody's attributes: they are made again from what is left."""
    found = [path for pattern in _KEPT for path in (folder / "data").glob(pattern)]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def _erase_later(bank: Any, connection: Connection, request: Approval) -> None:
    if request.state is not ApprovalState.CLOSED:
        erase_person(connection, bank.lake, bank.folder, request.object_id)


have_effect(
    ERASURE,
    Effects(Text("随后由程序清除能清除的个人信息", "the program erases next what may be erased"), later=_erase_later),
)
have_effect(KIND, Effects(Text("提出的人可以取走这份副本，一次", "who asked may take the copy, once")))
