"""What branches narrow, one rule a unit and campaign at a time; a new one takes the place of the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from bankloop.kit.errors import NotFoundError
from bankloop.kit.ids import uuid7
from bankloop.kit.text import Text
from bankloop.organization.branch_rule.tables import narrowing as table
from bankloop.store.audit import record_audit
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A branch's own rule for a campaign, or for all where ``campaign`` is ''.

    It says who else is left out, how often somebody is contacted at most, which benefits are withheld, and which
    are added with how much money (fen) a window.
    """

    narrowing_id: UUID
    unit_id: str
    campaign: str
    condition: str
    per_week: int | None
    withheld: tuple[str, ...]
    reason: str
    made_by: str
    made_at: datetime
    ended_at: datetime | None
    added: Mapping[str, int] = field(default_factory=dict)


def keep_narrowing(
    connection: Connection,
    unit_id: str,
    campaign: str,
    condition: str,
    per_week: int | None,
    withheld: Sequence[str],
    reason: str,
    added: Mapping[str, int],
) -> Narrowing:
    """Keep a branch's rule in the place of its last one; the caller's verb checked it, answers for it and records it."""
    now, t = now_of(connection), table.c
    connection.execute(
        update(table).where(t.unit_id == unit_id, t.campaign == campaign, t.ended_at.is_(None)).values(ended_at=now)
    )
    number = uuid7(int(now.timestamp() * 1000))
    fewer, person = tuple(sorted(set(withheld))), principal_of(connection).id
    made = Narrowing(number, unit_id, campaign, condition, per_week, fewer, reason, person, now, None, dict(added))
    values = {name: getattr(made, name) for name in Narrowing.__dataclass_fields__} | {"withheld": list(fewer)}
    connection.execute(insert(table).values(**values))
    return made


@verb("narrowing.end")
def end_narrowing(connection: Connection, narrowing_id: UUID, reason: str) -> None:
    """End a branch's rule: head office's alone hold again. Raises ``NotFoundError`` where none is open."""
    t = table.c
    ended = connection.execute(
        update(table)
        .where(t.narrowing_id == narrowing_id, t.ended_at.is_(None))
        .values(ended_at=now_of(connection))
        .returning(t.unit_id, t.campaign)
    ).first()
    if ended is None:
        raise NotFoundError(
            "narrowing.none",
            Text("没有这条在用的本地规则：{number}", "there is no such rule in force: {number}"),
            number=str(narrowing_id),
        )
    after = {"unit": ended.unit_id, "campaign": ended.campaign}
    record_audit(connection, "narrowing.end", "narrowing", str(narrowing_id), None, after, reason)


def narrowings(connection: Connection) -> tuple[Narrowing, ...]:
    """Return the rules in force that may be seen, by unit and campaign."""
    t = table.c
    rows = connection.execute(select(table).where(t.ended_at.is_(None)).order_by(t.unit_id, t.campaign)).mappings()
    return tuple(Narrowing(**{**row, "withheld": tuple(row["withheld"])}) for row in rows)
