"""What operations keep about campaigns: locks, states of steps, plans, models, audiences, readings, lake versions.

Plain rows behind plain functions; what they mean is the loop's affair, and so are the verbs that audit them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, literal, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from bankloop.kit.ids import canonical_json
from bankloop.store import tables
from bankloop.store.contracts import (
    AudienceSnapshot,
    CampaignRow,
    LakeVersion,
    ModelVersion,
    Plan,
    ResultReading,
    StepState,
)
from bankloop.store.database import now_of
from bankloop.store.errors import missing, stale_version
from bankloop.store.questions import Question, ask

_LAKE_KEY = Question(
    b"SELECT DISTINCT ON (table_name) table_name, version FROM lake_version ORDER BY table_name, id DESC",
    lambda rows: tuple((str(table), str(version)) for table, version in rows),
)


def publish_version(connection: Connection, version: LakeVersion, base: str | None = None) -> None:
    """Make a lake version the current one: the last act of publishing, after its files are on disk.

    Give ``base`` when it was built on another version; ``ConflictError`` when that one is no longer current. Publishers
    of one table take turns.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"lake:{version.table}"})
    if base is not None:
        current = current_version(connection, version.table)
        if current is None or current.version != base:
            raise stale_version(version.table, base, current.version if current else "")
    connection.execute(
        insert(tables.lake_version).values(
            table_name=version.table,
            version=version.version,
            files=list(version.files),
            rows=version.rows,
            digest=version.digest,
            as_of=version.as_of,
            recorded_at=version.recorded_at,
        )
    )


def current_version(connection: Connection, table: str) -> LakeVersion | None:
    """Return the version of a lake table that was published last."""
    rows = versions_of(connection, table, limit=1)
    return rows[0] if rows else None


def versions_of(connection: Connection, table: str, limit: int = 1000) -> list[LakeVersion]:
    """Return the versions of a lake table, the latest first."""
    t = tables.lake_version
    found = connection.execute(select(t).where(t.c.table_name == table).order_by(t.c.id.desc()).limit(limit))
    return [_lake_version(row) for row in found.mappings()]


def current_versions(connection: Connection) -> dict[str, LakeVersion]:
    """Return the current version of every lake table, by its name, as one moment saw them."""
    t = tables.lake_version
    latest = select(t).ext(distinct_on(t.c.table_name)).order_by(t.c.table_name, t.c.id.desc())
    return {row["table_name"]: _lake_version(row) for row in connection.execute(latest).mappings()}


def lake_key(connection: Connection) -> tuple[tuple[str, str], ...]:
    """Return every lake table with its current version: what changes whenever a table does."""
    return ask(connection, _LAKE_KEY)


def save_lock(connection: Connection, digest: str, campaign: str, content: Mapping[str, Any]) -> None:
    """Keep a campaign's lock under its digest; the same digest is kept once."""
    values = {"digest": digest, "campaign": campaign, "content": canonical_json(content)}
    connection.execute(
        text(
            "INSERT INTO spec_lock (digest, campaign, content) VALUES (:digest, :campaign, CAST(:content AS json)) "
            "ON CONFLICT DO NOTHING"
        ),
        values,
    )


def read_lock(connection: Connection, digest: str) -> dict[str, Any]:
    """Return a lock's content; ``NotFoundError`` when there is none."""
    content = connection.scalar(select(tables.spec_lock.c.content).where(tables.spec_lock.c.digest == digest))
    if content is None:
        raise missing("lock", digest)
    return dict(content)


def save_campaign(connection: Connection, row: CampaignRow) -> None:
    """Write a campaign's row, new or changed."""
    values = {
        "name": row.name,
        "state": row.state,
        "lock_digest": row.lock_digest,
        "round": row.round,
        "maker": row.maker,
        "updated_at": now_of(connection),
    }
    _upsert(connection, tables.campaign, [values])


def read_campaign(connection: Connection, name: str) -> CampaignRow | None:
    """Return a campaign's row."""
    return next((row for row in list_campaigns(connection) if row.name == name), None)


def list_campaigns(connection: Connection) -> list[CampaignRow]:
    """Return all campaigns by name."""
    t = tables.campaign.c
    found = connection.execute(select(t.name, t.state, t.lock_digest, t.round, t.maker).order_by(t.name))
    return [CampaignRow(*row) for row in found]


def set_step(connection: Connection, state: StepState) -> None:
    """Write the state of one step of a round, new or changed."""
    values = {
        "campaign": state.campaign,
        "round": state.round,
        "step": state.step,
        "state": state.state,
        "detail": _plain(state.detail),
        "updated_at": now_of(connection),
    }
    _upsert(connection, tables.campaign_step, [values])


def read_steps(connection: Connection, campaign: str, round_: int) -> dict[str, StepState]:
    """Return the states of a round's steps by step."""
    t = tables.campaign_step.c
    found = connection.execute(
        select(t.campaign, t.round, t.step, t.state, t.detail).where(t.campaign == campaign, t.round == round_)
    )
    return {row.step: StepState(*row) for row in found}


def await_turn(connection: Connection) -> None:
    """Let one transaction at a time decide whether a window may be issued: the next waits for this one's commit."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('plan'))"))


def save_plan(connection: Connection, plan: Plan) -> bool:
    """Keep a plan and return whether it is new; ask ``await_turn`` first, and whether the window may be issued."""
    values = {
        "plan_id": plan.plan_id,
        "campaigns": list(plan.campaigns),
        "window_start": plan.window_start,
        "window_end": plan.window_end,
        "as_of": plan.as_of,
        "digest": plan.digest,
        "prices": _plain(plan.prices),
        "value_fen": plan.value_fen,
        "bound_fen": plan.bound_fen,
        "gap_ppm": plan.gap_ppm,
        "summary": _plain(plan.summary),
        "recorded_at": now_of(connection),
    }
    return _insert_once(connection, tables.plan, values)


def read_plans(connection: Connection, window_start: date | None = None) -> list[Plan]:
    """Return the plans, of one window where given, the latest first."""
    t = tables.plan.c
    query = select(tables.plan).order_by(t.window_start.desc(), t.recorded_at.desc(), t.plan_id.desc())
    if window_start is not None:
        query = query.where(t.window_start == window_start)
    return [_plan(row) for row in connection.execute(query).mappings()]


def register_model(connection: Connection, model: ModelVersion) -> None:
    """Enter a trained model version; the same version is entered once."""
    values = {
        "model_id": model.model_id,
        "version": model.version,
        "campaign": model.campaign,
        "kind": model.kind,
        "card": _plain(model.card),
        "artefact_digest": model.artefact_digest,
        "artefact_path": model.artefact_path,
        "state": model.state,
        "recorded_at": now_of(connection),
    }
    connection.execute(insert(tables.model_version).values(values).on_conflict_do_nothing())


def promote_model(connection: Connection, model_id: str, version: int) -> None:
    """Make a version the champion and retire the one before it; ``NotFoundError`` when there is no such version."""
    t = tables.model_version
    mine = t.c.model_id == model_id
    connection.execute(update(t).where(mine, t.c.state == "champion", t.c.version != version).values(state="retired"))
    done = connection.execute(update(t).where(mine, t.c.version == version).values(state="champion"))
    if not done.rowcount:
        raise missing("model", f"{model_id} {version}")


def read_models(connection: Connection, model_id: str | None = None) -> list[ModelVersion]:
    """Return the model versions, of one model where given, the latest version first."""
    t = tables.model_version.c
    query = select(
        t.model_id, t.version, t.campaign, t.kind, t.card, t.artefact_digest, t.artefact_path, t.state
    ).order_by(t.model_id, t.version.desc())
    if model_id is not None:
        query = query.where(t.model_id == model_id)
    return [ModelVersion(*row) for row in connection.execute(query)]


def champion(connection: Connection, model_id: str) -> ModelVersion | None:
    """Return the champion version of a model."""
    return next((model for model in read_models(connection, model_id) if model.state == "champion"), None)


def save_snapshot(connection: Connection, snapshot: AudienceSnapshot) -> bool:
    """Keep a round's frozen audience; return whether it is new, as a round has one."""
    values = {
        "campaign": snapshot.campaign,
        "round": snapshot.round,
        "digest": snapshot.digest,
        "waterfall": _plain(snapshot.waterfall),
        "lake_table": snapshot.lake_table,
        "lake_version": snapshot.lake_version,
        "recorded_at": now_of(connection),
    }
    return _insert_once(connection, tables.audience_snapshot, values)


def read_snapshot(connection: Connection, campaign: str, round_: int) -> AudienceSnapshot | None:
    """Return a round's frozen audience."""
    t = tables.audience_snapshot.c
    row = connection.execute(
        select(t.campaign, t.round, t.digest, t.waterfall, t.lake_table, t.lake_version).where(
            t.campaign == campaign, t.round == round_
        )
    ).first()
    return AudienceSnapshot(*row) if row else None


def save_result(connection: Connection, result: ResultReading) -> bool:
    """Keep what a day's evaluation read; return whether it is new, as a day has one reading."""
    values = {
        "campaign": result.campaign,
        "round": result.round,
        "as_of": result.as_of,
        "reading": _plain(result.reading),
        "recorded_at": now_of(connection),
    }
    return _insert_once(connection, tables.result, values)


def read_results(connection: Connection, campaign: str | None = None) -> list[ResultReading]:
    """Return the readings, of one campaign where given, by campaign, round and day."""
    t = tables.result.c
    query = select(t.campaign, t.round, t.as_of, t.reading).order_by(t.campaign, t.round, t.as_of)
    if campaign is not None:
        query = query.where(t.campaign == campaign)
    return [ResultReading(*row) for row in connection.execute(query)]


def _insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row and say whether it is new; a row count cannot tell, since drivers may not give one here."""
    statement = insert(table).values(values).on_conflict_do_nothing().returning(literal(1))
    return connection.scalar(statement) is not None


def _upsert(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    statement = insert(table).values(list(rows))
    keys = [column.name for column in table.primary_key]
    changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def _plain(value: Mapping[str, Any]) -> Any:
    """Return the value as JSON holds it: dates and decimals as text."""
    import json

    return json.loads(canonical_json(value))


def _lake_version(row: RowMapping) -> LakeVersion:
    return LakeVersion(
        row["table_name"],
        row["version"],
        tuple(row["files"]),
        row["rows"],
        row["digest"],
        row["as_of"],
        row["recorded_at"],
    )


def _plan(row: RowMapping) -> Plan:
    names = ("plan_id", "campaigns", "window_start", "window_end", "as_of", "digest", "prices")
    more = ("value_fen", "bound_fen", "gap_ppm", "summary")
    values = {name: row[name] for name in (*names, *more)}
    return Plan(**{**values, "campaigns": tuple(row["campaigns"])})
