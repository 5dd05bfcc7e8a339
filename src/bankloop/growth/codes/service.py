"""The verbs of channel codes: made for somebody at work, revoked with a reason."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import Connection, insert, select, update

from bankloop.growth.codes import errors
from bankloop.growth.codes.contracts import (
    MOST_DAYS,
    MOST_NAME,
    MOST_PLACES,
    MOST_REASON,
    MOST_TITLE,
    ChannelCode,
    CodeRequest,
)
from bankloop.growth.codes.links import new_code
from bankloop.growth.codes.reading import code_of
from bankloop.growth.codes.tables import channel_code
from bankloop.organization.people import person_of
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT
from bankloop.store.database import now_of, principal_of
from bankloop.store.verbs import verb


@verb("channel_code.make")
def make_code(connection: Connection, wanted: CodeRequest, campaigns: Collection[str], today: date) -> ChannelCode:
    """Make a code for somebody at work; ``campaigns`` are those of the bank.

    Raises ``InputError`` naming what cannot be used, ``ConflictError`` for somebody without a post, ``DeniedError`` for
    somebody out of scope.
    """
    _check(wanted, campaigns, today)
    person = person_of(connection, wanted.staff_id)
    if person.unit_id is None:
        raise errors.no_post(wanted.staff_id)
    actor = principal_of(connection)
    inside = EVERY_UNIT in actor.units or person.unit_id in actor.units
    if not inside or (actor.book and actor.book != person.staff_id):
        raise errors.not_yours(wanted.staff_id)
    made = new_code()
    values = {
        "code": made,
        "title": wanted.title.strip(),
        "staff_id": person.staff_id,
        "unit_id": person.unit_id,
        "campaign": wanted.campaign,
        "scene": wanted.scene,
        "places": list(wanted.places),
        "since": wanted.since or today,
        "until": wanted.until,
        "made_by": actor.id,
    }
    connection.execute(insert(channel_code).values(values))
    after = {name: values[name] for name in ("staff_id", "campaign", "scene", "places")}
    record_audit(connection, "channel_code.make", "channel_code", made, None, {**after, "until": f"{wanted.until}"})
    return code_of(connection, made, today)


@verb("channel_code.revoke")
def revoke_code(connection: Connection, code: str, reason: str, today: date) -> ChannelCode:
    """End a code now, for good; raise ``ConflictError`` for one that is revoked."""
    if not 0 < len(reason.strip()) <= MOST_REASON:
        raise errors.bad_reason()
    t = channel_code.c
    row = connection.execute(select(t.revoked_at).where(t.code == code).with_for_update()).first()
    if row is None:
        raise errors.no_code(code)
    if row.revoked_at is not None:
        raise errors.over(code)
    ended = {"revoked_at": now_of(connection), "reason": reason.strip()}
    connection.execute(update(channel_code).where(t.code == code).values(ended))
    record_audit(
        connection, "channel_code.revoke", "channel_code", code, {"state": "made"}, {"state": "revoked"}, reason
    )
    return code_of(connection, code, today)


def _check(wanted: CodeRequest, campaigns: Collection[str], today: date) -> None:
    title, since = wanted.title.strip(), wanted.since or today
    if not title or len(title) > MOST_TITLE or not title.isprintable():
        raise errors.bad_title()
    if wanted.campaign and wanted.campaign not in campaigns:
        raise errors.no_campaign(wanted.campaign, ", ".join(sorted(campaigns)) or "—")
    if wanted.scene and not _named(wanted.scene):
        raise errors.bad_scene(wanted.scene)
    if len(wanted.places) > MOST_PLACES:
        raise errors.bad_places(wanted.places[MOST_PLACES])
    for number, place in enumerate(wanted.places):
        if not _named(place) or place in wanted.places[:number]:
            raise errors.bad_places(place)
    if not today <= since <= wanted.until or (wanted.until - since).days > MOST_DAYS:
        raise errors.bad_days()


def _named(words: str) -> bool:
    return words == words.strip() and 0 < len(words) <= MOST_NAME and words.isprintable()
