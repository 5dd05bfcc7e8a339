"""Sending tasks down: to the customer's manager, where absent to the backup, where there is none to the sub-branch's hands.

What nobody is at work and licensed for stays with the sub-branch and is counted: a pool is never silently above nought.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from bankloop.kit.ids import uuid7
from bankloop.organization.people.rules import LICENSED_FROM, TRAINING
from bankloop.organization.task.contracts import Dispatched
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of
from bankloop.store.verbs import verb

MANAGER = "relationship_manager"

_WANTED = """
CREATE TEMPORARY TABLE {t}_wanted ON COMMIT DROP AS
SELECT DISTINCT ON (t.task_id) t.task_id, greatest(t.due_on, CAST(:since AS date)) AS due_on, t.risk >= :licensed AS licensed, t.licence, t.value_fen,
    coalesce(b.unit_id, t.unit_id) AS sub, b.staff_id AS keeper
FROM staff_task t LEFT JOIN customer_book b ON b.customer_no = t.customer_no AND b.valid_from <= :now
    AND (b.valid_to IS NULL OR b.valid_to > :now)
WHERE {which} AND t.state IN ('CREATED', 'ALLOTTED') AND t.staff_id IS NULL
ORDER BY t.task_id, b.line = 'retail' DESC, b.line
"""
# Who is at work on which day, with the licences that hold then; small: staff times days.
_HANDS = """
CREATE TEMPORARY TABLE {t}_hands ON COMMIT DROP AS
SELECT s.staff_id, p.unit_id, p.post, d.due_on, s.minutes_per_day,
    ARRAY(SELECT l.kind FROM staff_licence l WHERE l.staff_id = s.staff_id AND l.issued_on <= d.due_on
        AND l.expires_on > d.due_on AND NOT starts_with(l.kind, :training)) AS licences
FROM staff s JOIN staff_post p ON p.staff_id = s.staff_id AND p.valid_from <= :now
    AND (p.valid_to IS NULL OR p.valid_to > :now)
CROSS JOIN (SELECT DISTINCT due_on FROM {t}_wanted) d
WHERE NOT s.on_leave AND NOT EXISTS (SELECT FROM staff_leave l WHERE l.staff_id = s.staff_id
    AND d.due_on BETWEEN l.since AND l.until)
"""
# Tables of this transaction have no statistics before they are asked for, and a plan without any pairs all with all.
_READY = (
    "CREATE INDEX ON {t}_hands (staff_id, due_on)",
    "CREATE INDEX ON {t}_hands (unit_id, due_on)",
    "ANALYZE {t}_hands",
    "ANALYZE {t}_wanted",
)
_FIT = "(NOT w.licensed OR (w.licence = '' AND cardinality({h}.licences) > 0) OR w.licence = ANY ({h}.licences))"
_GIVEN = """
CREATE TEMPORARY TABLE {t}_given ON COMMIT DROP AS
WITH own AS (
    SELECT w.*, k.staff_id AS direct, b.staff_id AS backup FROM {t}_wanted w
    LEFT JOIN {t}_hands k ON k.staff_id = w.keeper AND k.due_on = w.due_on AND {fit_k}
    LEFT JOIN LATERAL (SELECT h.staff_id FROM staff_backup sb JOIN {t}_hands h ON h.staff_id = sb.backup_id
        AND h.due_on = w.due_on AND {fit_h}
        WHERE k.staff_id IS NULL AND sb.staff_id = w.keeper AND sb.kind = 'backup' AND sb.valid_from <= :now
        AND (sb.valid_to IS NULL OR sb.valid_to > :now) ORDER BY sb.valid_from LIMIT 1) b ON true
), pools AS (
    SELECT g.sub, g.due_on, g.licensed, g.licence,
        ARRAY(SELECT h.staff_id FROM {t}_hands h, LATERAL (SELECT g.licensed, g.licence) w WHERE h.unit_id = g.sub
            AND h.due_on = g.due_on AND h.post = :manager AND h.minutes_per_day > 0 AND {fit_h} ORDER BY h.staff_id) AS people
    FROM (SELECT DISTINCT sub, due_on, licensed, licence FROM own WHERE direct IS NULL AND backup IS NULL) g
), dealt AS (
    SELECT o.*, p.people, row_number() OVER (PARTITION BY o.sub, o.due_on, o.licensed, o.licence
        ORDER BY o.value_fen DESC, o.task_id) - 1 AS turn
    FROM own o LEFT JOIN pools p USING (sub, due_on, licensed, licence) WHERE o.direct IS NULL AND o.backup IS NULL
)
SELECT task_id, sub, coalesce(direct, backup) AS staff_id, CASE WHEN direct IS NOT NULL THEN 'keeper' ELSE 'backup' END AS how
FROM own WHERE direct IS NOT NULL OR backup IS NOT NULL
UNION ALL
SELECT task_id, sub, people[1 + turn % greatest(cardinality(people), 1)], CASE WHEN cardinality(people) > 0 THEN 'pool' ELSE 'left' END
FROM dealt
"""
_UPDATE = """
UPDATE staff_task t SET unit_id = g.sub, staff_id = g.staff_id, updated_at = :now, state_reason = g.how,
    state = CASE WHEN g.staff_id IS NULL THEN 'ALLOTTED' ELSE 'ASSIGNED' END
FROM {t}_given g WHERE g.task_id = t.task_id AND t.staff_id IS NULL AND t.state IN ('CREATED', 'ALLOTTED')
"""


@verb("task.dispatch")
def dispatch_tasks(connection: Connection, campaign: str, round_: int = 0, list_id: UUID | None = None) -> Dispatched:
    """Give the tasks of a campaign's round, or of a list, to people, all at once, and return to how many of each kind.

    From R3 on a task goes only to who is licensed for it on its day. Doing it again gives only what nobody has.
    """
    done = send_down(connection, campaign, round_, list_id)
    after = {"keeper": done.keeper, "backup": done.backup, "pool": done.pool, "left": done.left}
    record_audit(connection, "task.dispatch", "campaign", campaign or str(list_id), None, after)
    return done


def send_down(
    connection: Connection,
    campaign: str,
    round_: int = 0,
    list_id: UUID | None = None,
    *,
    which: str = "",
    since: date | None = None,
) -> Dispatched:
    """Give tasks to people as ``dispatch_tasks`` does; the caller's verb answers for it and records it.

    ``which`` is the room's own condition on other tasks; what was due before ``since`` is given as if due on that day.
    """
    named = "t.campaign = :campaign AND t.round = :round" if list_id is None else "t.list_id = :list"
    which = which or named
    values = {
        "campaign": campaign, "round": round_, "list": list_id, "now": now_of(connection), "licensed": LICENSED_FROM,
        "manager": MANAGER, "since": since, "training": TRAINING,
    }  # fmt: skip
    name = f"dispatch_{uuid7(int(now_of(connection).timestamp() * 1000)).hex[-12:]}"
    fit = {"fit_k": _FIT.format(h="k"), "fit_h": _FIT.format(h="h")}
    with bank_wide(connection):
        for statement in (_WANTED, _HANDS, *_READY, _GIVEN):
            connection.execute(text(statement.format(t=name, which=which, **fit)), values)
        connection.execute(text(f"ANALYZE {name}_given"))
        connection.execute(text(_UPDATE.format(t=name)), values)
        found = connection.execute(text(f"SELECT how, count(*) FROM {name}_given GROUP BY how")).all()
    counts = {how: int(count) for how, count in found}
    return Dispatched(*(counts.get(how, 0) for how in ("keeper", "backup", "pool", "left")))
