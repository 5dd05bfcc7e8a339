"""The verbs of servicing: everybody gets exactly one keeper; who was not contacted for too long gets a care task."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
from sqlalchemy import Connection

from bankloop.customer.consent import permits
from bankloop.customer.persons import read_leads
from bankloop.customer.servicing import errors
from bankloop.customer.servicing.contracts import Assignment, Care, Keeper, Mode, ServicePolicy
from bankloop.customer.servicing.rules import read_policy, share_out, stand_in
from bankloop.customer.tier import averages, last_month, read_tier_rules, rule_on, standings_after, tiers_of
from bankloop.kit.ids import digest
from bankloop.lake.contracts import Scope
from bankloop.lake.service import Lake
from bankloop.organization.people import give_managers, managers_of_units, named_backups
from bankloop.organization.task import NO_LIMIT, TaskKind, create_tasks, dispatch_tasks, task_schema
from bankloop.store.audit import record_audit
from bankloop.store.copying import copy_in, copy_out
from bankloop.store.database import bank_wide
from bankloop.store.verbs import verb

KEEPERS = "servicing"
CARE = "care"
# What counts as having been in touch, beside accepted contacts and finished tasks.
_TOUCHES = ("wecom_reply", "call_connected", "branch_visit")
_BOOK = pa.schema([("customer_no", pa.string()), ("unit_id", pa.string()), ("staff_id", pa.string())])
_BOOKS = (
    "SELECT customer_no, unit_id, staff_id FROM customer_book WHERE line = 'retail' AND valid_from <= bankloop_now() "
    "AND (valid_to IS NULL OR valid_to > bankloop_now()) ORDER BY 1"
)
# A customer without a manager whose tier has one is served by the centre until there is one.
_KEPT = """
SELECT t.customer_no, CASE WHEN b.staff_id IS NOT NULL THEN 'manager' WHEN p.mode = 'digital' THEN 'digital' ELSE 'remote' END AS mode,
    coalesce(b.staff_id, '') AS owner_id, coalesce(s.backup_id, '') AS backup_id
FROM tiers t JOIN policies p USING (tier) LEFT JOIN book b USING (customer_no) LEFT JOIN backups s ON s.staff_id = b.staff_id ORDER BY 1
"""
_TOUCHED = pa.schema([("customer_no", pa.string()), ("touched", pa.date32()), ("waiting", pa.bool_())])
_LAST = """
SELECT n.customer_no, greatest((SELECT max(due_day) FROM contact c WHERE c.customer_no = n.customer_no AND accepted AND due_day <= '{today}'),
    (SELECT max(due_on) FROM staff_task t WHERE t.customer_no = n.customer_no AND state = 'DONE')) AS touched,
    (SELECT true FROM staff_task t WHERE t.customer_no = n.customer_no AND campaign = '{care}' AND state NOT IN ('DONE', 'REJECTED', 'RECALLED', 'EXPIRED') LIMIT 1)
    IS NOT NULL AS waiting FROM {{name}} n ORDER BY 1
"""


@verb("servicing.assign")
def assign_keepers(connection: Connection, lake: Lake) -> Assignment:
    """Give everybody exactly one keeper: a manager to whose tier asks for one, the centre or digital to the others.

    Managers are given within the sub-branch, to who has fewest customers; nobody who has a manager gets another one. The
    result is kept in the lake. Raises ``ConflictError`` where there are no customers.
    """
    tiers, policy = _tiers(connection, lake), read_policy(lake.folder)
    with bank_wide(connection):
        book = copy_out(connection, _BOOKS, _BOOK)
        managers = managers_of_units(connection)
        given = _given(book, tiers, policy, managers)
        if given:
            give_managers(connection, given)
            book = copy_out(connection, _BOOKS, _BOOK)
        backups = _backups(managers, named_backups(connection), book)
    with duckdb.connect() as engine:
        engine.register("tiers", tiers)
        engine.register("book", book)
        engine.register("backups", backups)
        known = sorted(set(tiers["tier"].to_pylist()))
        engine.register("policies", pa.table({"tier": known, "mode": [policy.of(one).mode.value for one in known]}))
        kept = engine.sql(_KEPT).to_arrow_table()
    lake.publish(KEEPERS, kept, lake.today())
    modes = Counter(kept["mode"].to_pylist())
    done = Assignment(
        lake.today(), {m: modes.get(m.value, 0) for m in Mode}, len(given), tiers.num_rows - kept.num_rows
    )
    after = {"modes": {m.value: n for m, n in done.modes.items()}, "given": done.given, "unassigned": done.unassigned}
    record_audit(connection, "servicing.assign", "servicing", done.as_of.isoformat(), None, after)
    return done


@verb("servicing.care")
def make_care_tasks(connection: Connection, lake: Lake, today: date) -> Care:
    """Make a care task for every customer with a manager whom nobody contacted for as long as their tier's policy allows.

    Whoever has one open gets no second; who is on the do-not-contact list none. Asked again the same day, nothing is new.
    """
    policy = read_policy(lake.folder)
    rows = _overdue(connection, lake, policy, today)
    due_on = today + timedelta(days=policy.care_due_days)
    tasks = [_task(row, due_on) for row in rows]
    with bank_wide(connection):
        room = dict.fromkeys((t["unit_id"] for t in tasks), NO_LIMIT)
        made = create_tasks(connection, pa.Table.from_pylist(tasks, task_schema()), room)
        dispatch_tasks(connection, CARE)
    record_audit(
        connection, "servicing.care", "servicing", today.isoformat(), None, {"due": len(rows), "tasks": made.created}
    )
    return Care(len(rows), made.created)


def coverage(lake: Lake) -> Assignment | None:
    """Return how everybody is kept by the last assignment, and how many customers since have nobody; None before one."""
    version, customers = lake.manifest.current(KEEPERS), lake.manifest.current("customer")
    if version is None or customers is None:
        return None
    with lake.engine() as engine:
        modes = dict(engine.execute(f"SELECT mode, count(*) FROM {lake.reading(version)} GROUP BY 1").fetchall())
        nobody = engine.execute(
            f"SELECT count(*) FROM {lake.reading(customers)} ANTI JOIN {lake.reading(version)} USING (customer_no)"
        ).fetchall()[0][0]
    return Assignment(version.as_of, {mode: int(modes.get(mode.value, 0)) for mode in Mode}, 0, int(nobody))


def keeper_now(lake: Lake, number: str) -> Keeper | None:
    """Return who keeps a customer by the last assignment; None before there was one. The caller judged who may see it."""
    if lake.manifest.current(KEEPERS) is None:
        return None
    rows = lake.table(KEEPERS, Scope("servicing", None, customers=frozenset({number}))).to_pyarrow().to_pylist()
    return Keeper(Mode(rows[0]["mode"]), rows[0]["owner_id"], rows[0]["backup_id"]) if rows else None


def _tiers(connection: Connection, lake: Lake) -> pa.Table:
    """Return (customer_no, tier) of everybody: of the last closed month, of today's balances for who is newer than that.

    All numbers of a person have the person's tier.
    """
    today, leads = lake.today(), read_leads(connection, lake)
    found = averages(lake, today, today + timedelta(days=1), leads) if lake.manifest.current("customer") else None
    if found is None:
        raise errors.no_customers()
    numbers, balance = found
    now = pa.table({"customer_no": numbers, "tier": tiers_of(rule_on(read_tier_rules(lake.folder), today), balance)})
    month = last_month(lake)
    customers = lake.version("customer")
    with lake.engine() as engine:
        engine.register("now", now)
        engine.register("closed", now.slice(0, 0) if month is None else standings_after(lake, month, leads))
        engine.register("leads", leads)
        return engine.sql(
            f"SELECT o.customer_no, coalesce(c.tier, n.tier) AS tier FROM {lake.reading(customers)} o LEFT JOIN leads l USING (customer_no) "
            "JOIN now n ON n.customer_no = coalesce(l.lead_no, o.customer_no) LEFT JOIN closed c ON c.customer_no = n.customer_no ORDER BY 1"
        ).to_arrow_table()


def _given(
    book: pa.Table, tiers: pa.Table, policy: ServicePolicy, managers: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    wanting_tiers = [t for t in set(tiers["tier"].to_pylist()) if policy.of(t).mode is Mode.MANAGER]
    with duckdb.connect() as engine:
        engine.register("book", book)
        engine.register("tiers", tiers)
        loads = dict(
            engine.execute("SELECT staff_id, count(*) FROM book WHERE staff_id IS NOT NULL GROUP BY 1").fetchall()
        )
        rows = engine.execute(
            "SELECT unit_id, customer_no FROM book JOIN tiers USING (customer_no) WHERE staff_id IS NULL "
            "AND list_contains(?, tier) ORDER BY tier DESC, customer_no",
            [wanting_tiers],
        ).fetchall()
    wanting: dict[str, list[str]] = defaultdict(list)
    for unit, customer in rows:
        wanting[unit].append(customer)
    given: dict[str, str] = {}
    for unit, customers in sorted(wanting.items()):
        given |= share_out(customers, {who: loads.get(who, 0) for who in managers.get(unit, ())})
    return given


def _backups(managers: Mapping[str, Sequence[str]], named: Mapping[str, Sequence[str]], book: pa.Table) -> pa.Table:
    loads = Counter(one for one in book["staff_id"].to_pylist() if one)
    rows = [
        {"staff_id": who, "backup_id": stand_in(who, named.get(who, ()), {one: loads[one] for one in unit})}
        for unit in managers.values()
        for who in unit
    ]
    return pa.Table.from_pylist(rows, pa.schema([("staff_id", pa.string()), ("backup_id", pa.string())]))


def _overdue(connection: Connection, lake: Lake, policy: ServicePolicy, today: date) -> list[dict[str, Any]]:
    """Return customer, unit, tier and days of who has a manager and was not contacted for too long."""
    tiers = _tiers(connection, lake)
    rhythm = {tier: policy.of(tier).contact_days for tier in set(tiers["tier"].to_pylist())}
    wanted = {tier: days for tier, days in rhythm.items() if days is not None}
    with bank_wide(connection), duckdb.connect() as engine:
        engine.register("tiers", tiers)
        engine.register("book", copy_out(connection, _BOOKS, _BOOK))
        engine.register("rhythm", pa.table({"tier": list(wanted), "days": pa.array(list(wanted.values()), pa.int64())}))
        kept = engine.sql(
            "SELECT customer_no, unit_id, tier, days FROM tiers JOIN rhythm USING (tier) JOIN book USING (customer_no) "
            "WHERE staff_id IS NOT NULL ORDER BY 1"
        ).to_arrow_table()
        listed = permits(connection, kept["customer_no"]).listed
        engine.register("last", _last(connection, kept["customer_no"], today))
        engine.register("kept", kept.append_column("listed", pa.array(listed)))
        engine.register("seen", _touches(lake, today))
        found = engine.sql(
            "SELECT k.* EXCLUDE (listed), greatest(l.touched, s.touched) AS touched FROM kept k JOIN last l USING (customer_no) "
            "LEFT JOIN seen s USING (customer_no) WHERE NOT l.waiting AND NOT k.listed "
            "AND coalesce(?::DATE - greatest(l.touched, s.touched) >= k.days, true) ORDER BY 1",
            params=[today],
        ).to_arrow_table()
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def last_touched(connection: Connection, lake: Lake, numbers: pa.ChunkedArray, today: date) -> pa.Table:
    """Return (customer_no, touched) of ``numbers``: the last day of a contact, a finished task, or an answer; null for never."""
    with duckdb.connect() as engine:
        engine.register("last", _last(connection, numbers, today))
        engine.register("seen", _touches(lake, today))
        return engine.sql(
            "SELECT l.customer_no, greatest(l.touched, s.touched) AS touched FROM last l LEFT JOIN seen s USING (customer_no)"
        ).to_arrow_table()


def _last(connection: Connection, numbers: pa.ChunkedArray, today: date) -> pa.Table:
    name = copy_in(connection, pa.table({"customer_no": numbers}))
    return copy_out(connection, _LAST.format(today=today.isoformat(), care=CARE).format(name=name), _TOUCHED)


def _touches(lake: Lake, today: date) -> pa.Table:
    """Return (customer_no, touched): the bank-local day on which a customer last answered or came."""
    with lake.connection(Scope.whole_bank(CARE)) as engine:
        found: pa.Table = engine.sql(
            "SELECT customer_no, max((occurred_at AT TIME ZONE ?)::DATE) AS touched FROM event WHERE list_contains(?, type) "
            "AND (occurred_at AT TIME ZONE ?)::DATE <= ? GROUP BY 1",
            params=[lake.zone, list(_TOUCHES), lake.zone, today],
        ).to_arrow_table()
    return found


def _task(row: Mapping[str, Any], due_on: date) -> dict[str, Any]:
    since = f"last contact {row['touched']}" if row["touched"] else "never contacted"
    return {
        "decision_id": str(UUID(digest([CARE, row["customer_no"], due_on.isoformat()])[:32])),
        "campaign": CARE, "round": 0, "customer_no": row["customer_no"], "unit_id": row["unit_id"], "due_on": due_on,
        "action": CARE, "value_fen": 0, "script_version": "", "reason": f"tier {row['tier']}: {since}", "risk": 0, "licence": "", "kind": TaskKind.CARE.value,
    }  # fmt: skip
