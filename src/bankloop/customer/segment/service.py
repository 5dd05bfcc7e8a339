"""The verbs of segments: saved as versions, given a plan, activated, retired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, text, update
from sqlalchemy.exc import IntegrityError

from bankloop.customer.consent import own_numbers
from bankloop.customer.contracts import Catalogue
from bankloop.customer.homes import home_unit
from bankloop.customer.segment import errors
from bankloop.customer.segment.clusters import Clustering
from bankloop.customer.segment.contracts import ListChange, Listed, SegmentKind, SegmentVersion
from bankloop.customer.segment.naming import named_in
from bankloop.customer.segment.queries import in_force, is_of_the_bank, segment_of, versions_of
from bankloop.customer.segment.rules import checked_expression, checked_name, checked_plan, confidential_in
from bankloop.customer.tables import segment as table
from bankloop.kit.errors import NotFoundError
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, now_of, principal_of
from bankloop.store.verbs import verb

# A longer list is a fact about customers and comes with their file.
MOST_LISTED = 300
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:key))")


@verb("segment.save")
def save_segment(
    connection: Connection, catalogue: Catalogue, name: str, title: Text, expression: str
) -> SegmentVersion:
    """Save a rule as the next version of a segment; the same words again are the version there is.

    Raises ``InputError`` for the name or the title, else as ``checked_expression``.
    """
    checked_expression(expression, catalogue)
    kept = _newest(connection, name)
    body = dict(kept.body) if kept is not None and kept.kind is SegmentKind.RULE else {}
    return _saved(connection, name, title, SegmentKind.RULE, expression.strip(), body)


@verb("segment.list")
def list_customers(connection: Connection, name: str, change: ListChange) -> SegmentVersion:
    """Put customers into a rule's segment by hand, or take them out of it, as its next version; the rule stays.

    Like any version it counts from its activation on. Raises ``InputError`` without a reason or for too long a list,
    ``NotFoundError`` for who is out of scope, ``ConflictError`` for a cluster.
    """
    found = segment_of(connection, name)
    if found.kind is SegmentKind.CLUSTER:
        raise errors.list_of_cluster(name)
    if not change.why.strip():
        raise errors.no_reason(name)
    asked = {**dict.fromkeys(change.add, True), **dict.fromkeys(change.take_out, False)}
    if len(asked) > MOST_LISTED:
        raise errors.long_list(len(asked), MOST_LISTED)
    # A person is in a segment or out of it, by whichever number they are known.
    wanted = {n: within for one, within in asked.items() for n in own_numbers(connection, one, "segment.list")}
    who, when = principal_of(connection).id, now_of(connection).isoformat(timespec="seconds")
    kept = {one.customer_no: one for one in found.listed if one.customer_no not in change.forget}
    kept |= {number: Listed(number, within, who, when, change.why.strip()) for number, within in wanted.items()}
    if len(kept) > MOST_LISTED:
        raise errors.long_list(len(kept), MOST_LISTED)
    body = {"listed": [asdict(one) for _, one in sorted(kept.items())]} if kept else {}
    return _saved(connection, name, found.title, SegmentKind.RULE, found.expression, body, change.why.strip())


@verb("segment.cluster")
def save_clusters(
    connection: Connection, catalogue: Catalogue, name: str, titles: Sequence[Text], clustering: Clustering
) -> list[SegmentVersion]:
    """Save each cluster as a segment ``name-1`` …, in the order of the centres; raises as ``save_segment``."""
    if names := confidential_in(catalogue, clustering.features):
        raise errors.confidential(", ".join(names))
    found = []
    for index, title in enumerate(titles):
        body = {"clustering": clustering.plain, "cluster": index}
        found.append(_saved(connection, f"{name}-{index + 1}", title, SegmentKind.CLUSTER, "", body))
    record_audit(
        connection, "segment.cluster", "segment", name, None, {"clustering": clustering.digest, "clusters": len(found)}
    )
    return found  # fmt: skip


@verb("segment.plan")
def plan_segment(connection: Connection, name: str, version: int, title: str, owner: str, does: str) -> SegmentVersion:
    """Name the plan of a version that is not in use yet.

    Raises ``InputError`` where it says too little, ``NotFoundError`` for an owner the bank does not have, ``ConflictError``
    for a version that has been active.
    """
    found, plan = segment_of(connection, name, version), checked_plan(title, owner, does)
    if found.active_from is not None:
        raise errors.plan_kept(name, version)
    with bank_wide(connection):
        known = is_of_the_bank(connection, plan.owner)
    if not known:
        raise errors.no_owner(plan.owner[:64])
    after = {"title": plan.title, "owner": plan.owner, "does": plan.does}
    _change(connection, found, plan=after)
    before = {"title": found.plan.title, "owner": found.plan.owner} if found.plan else None
    record_audit(connection, "segment.plan", "segment", name, before, {"version": version, **after})
    return segment_of(connection, name, version)


@verb("segment.activate")
def activate_segment(connection: Connection, name: str, version: int) -> SegmentVersion:
    """Put a version into use, in place of the one that was; the same again changes nothing.

    Raises ``ConflictError`` without a plan, or for a version that was retired.
    """
    connection.execute(_LOCK, {"key": f"segment:{name}"})
    every = versions_of(connection, name)
    found = segment_of(connection, name, version)
    if found.active:
        return found
    if found.active_to is not None:
        raise errors.was_active(name, version)
    if found.plan is None:
        raise errors.no_plan(name, version)
    named_in(found.expression, in_force(connection, instead=found), (name,))
    replaced = next((one for one in every if one.active), None)
    if replaced is not None:
        _change(connection, replaced, active_to=now_of(connection))
    _change(connection, found, active_from=now_of(connection))
    before = {"version": replaced.version} if replaced else None
    record_audit(
        connection, "segment.activate", "segment", name, before, {"version": version, "plan": found.plan.title}
    )
    return segment_of(connection, name, version)


@verb("segment.retire")
def retire_segment(connection: Connection, name: str, reason: str) -> SegmentVersion:
    """Take a segment out of use; raise ``ConflictError`` where no version of it is."""
    connection.execute(_LOCK, {"key": f"segment:{name}"})
    found = next((one for one in versions_of(connection, name) if one.active), None)
    if found is None:
        raise errors.not_active(name)
    _change(connection, found, active_to=now_of(connection))
    record_audit(connection, "segment.retire", "segment", name, {"version": found.version}, None, reason)
    return segment_of(connection, name, found.version)


def _saved(
    connection: Connection,
    name: str,
    title: Text,
    kind: SegmentKind,
    expression: str,
    body: Mapping[str, Any],
    reason: str = "",
) -> SegmentVersion:
    checked_name(name)
    if not (title.zh.strip() and title.en.strip()):
        raise errors.no_title(name)
    connection.execute(_LOCK, {"key": f"segment:{name}"})
    named_in(expression, in_force(connection), (name,))
    mark = digest([kind.value, expression, dict(body), title.zh, title.en])
    newest = _newest(connection, name)
    if newest is not None and newest.digest == mark:
        return newest
    version = newest.version + 1 if newest else 1
    unit = newest.unit_id if newest else home_unit(connection)
    values = {
        "name": name, "version": version, "kind": kind.value, "title_zh": title.zh.strip(), "title_en": title.en.strip(),
        "expression": expression, "body": dict(body), "digest": mark, "unit_id": unit,
        "made_by": principal_of(connection).id, "made_at": now_of(connection),
    }  # fmt: skip
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**values))
    except IntegrityError:
        raise errors.taken(name) from None
    record_audit(
        connection,
        "segment.list" if reason else "segment.save",
        "segment",
        name,
        None,
        {"version": version, "digest": mark, "kind": kind.value, "listed": len(body.get("listed", ()))},
        reason,
    )
    return segment_of(connection, name, version)


def _newest(connection: Connection, name: str) -> SegmentVersion | None:
    try:
        return segment_of(connection, name)
    except NotFoundError:
        return None


def _change(connection: Connection, found: SegmentVersion, **values: Any) -> None:
    same = (table.c.name == found.name, table.c.version == found.version)
    connection.execute(update(table).where(*same).values(**values))
