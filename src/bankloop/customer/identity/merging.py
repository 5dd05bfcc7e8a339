"""What people decide: a candidate of the queue, a merge by hand, its undoing, a channel identity proven to be somebody's.

A candidate is the program's evidence and one steward's judgement. A merge by hand has no evidence but a person's word,
so another one approves it. Undoing is free and at once: it puts back who was where, and keeps them apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bankloop.customer.identity import errors, ledger, repository
from bankloop.customer.identity.contracts import Link, LinkKind, MergeEvent, Party
from bankloop.customer.identity.parties import Regrouped, lock_parties, regroup
from bankloop.customer.identity.queries import party_of
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
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
from bankloop.store.audit import record_audit
from bankloop.store.database import bank_wide, principal_of
from bankloop.store.verbs import verb

KIND = "merge"
_PROVEN = (LinkKind.STEWARD, LinkKind.VERIFIED)


@verb("merge.decide")
def decide_candidate(connection: Connection, candidate_id: UUID, same: bool, reason: str) -> tuple[MergeEvent, ...]:
    """Decide a waiting candidate as a steward: one person, or two who are kept apart from now on; return what moved.

    Raises ``ConflictError`` when it was decided meanwhile.
    """
    _said(reason)
    with bank_wide(connection):
        lock_parties(connection)
        found = ledger.candidate_of(connection, candidate_id)
        if found is None:
            raise errors.no_candidate(str(candidate_id))
        if found.state != "waiting":
            raise errors.decided(str(candidate_id), found.state)
        done = (
            _join(connection, found.a, found.b, {**found.evidence, "candidate": str(candidate_id)}, reason)
            if same
            else _part(connection, [found.a], [found.b], reason)
        )
        ledger.close_candidate(connection, candidate_id, "merged" if same else "separate", reason)
        ledger.settle_candidates(connection)
    _audit(connection, "merge.decide", f"{found.a}+{found.b}", done, reason, same=same)
    return done.events


def ask_merge(connection: Connection, one: str, other: str, reason: str) -> UUID:
    """Ask that two parties be merged on a person's word alone, and return the request: another person approves it."""
    _said(reason)
    with bank_wide(connection):
        a, b = sorted((party_of(connection, one).party_no, party_of(connection, other).party_no))
    if a == b:
        raise errors.same_party(one, other)
    what = {"a": a, "b": b, "reason": reason}
    found: UUID = submit_approval(connection, KIND, f"{a}+{b}", digest(what), content=what, reason=reason)
    return found


@verb("merge.run")
def merge_parties(connection: Connection, one: str, other: str) -> tuple[MergeEvent, ...]:
    """Merge two parties as it was approved, once; raise ``ConflictError`` without an approval in force."""
    with bank_wide(connection):
        lock_parties(connection)
        a, b = sorted((party_of(connection, one).party_no, party_of(connection, other).party_no))
        if a == b:
            raise errors.same_party(one, other)
        request = approval_of(connection, KIND, f"{a}+{b}")
        held = hold_in_force(connection, KIND, f"{a}+{b}", request.digest if request else "")
        start_request(connection, held.approval_id, "merge.run")
        done = _join(connection, a, b, {"approval": str(held.approval_id)}, held.reason)
        ledger.settle_candidates(connection)
        close_request(connection, held.approval_id, "", "merge.run")
    _audit(connection, "merge.run", f"{a}+{b}", done, held.reason)
    return done.events


@verb("merge.undo")
def undo_merge(
    connection: Connection, number: str, reason: str, event_id: UUID | None = None
) -> tuple[MergeEvent, ...]:
    """Take an identity out of its party, or undo a merge whole, and keep the two sides apart from now on.

    Every event keeps the number it was recorded under, so that those since the merge follow whom they are about.
    """
    _said(reason)
    with bank_wide(connection):
        lock_parties(connection)
        party = party_of(connection, number)
        moved = _moved(connection, party, number, event_id)
        rest = [one for one in party.numbers if one not in set(moved)]
        if not moved or not rest:
            raise errors.alone(number)
        done = _part(connection, moved, rest, reason)
    _audit(connection, "merge.undo", party.party_no, done, reason)
    return done.events


@verb("identity.bind")
def bind_channel(
    connection: Connection, channel_no: str, customer_no: str, evidence: Mapping[str, str]
) -> tuple[MergeEvent, ...]:
    """Let a channel identity be a customer's, as was verified; what it did before is theirs from now on.

    It is one customer's at a time: bound before, it leaves whom it was bound to.
    """
    if not evidence:
        raise errors.no_evidence(channel_no)
    with bank_wide(connection):
        lock_parties(connection)
        _channel(connection, channel_no)
        before = _release(connection, channel_no)
        a, b = sorted((channel_no, customer_no))
        party_of(connection, customer_no)
        repository.join_again(connection, [a], [b])
        repository.add_links(connection, [Link(a, b, LinkKind.VERIFIED, 0.0, dict(evidence))], "bound")
        done = regroup(connection, [*before, channel_no, customer_no], "bound")
    _audit(connection, "identity.bind", channel_no, done, "bound", to=customer_no)
    return done.events


@verb("identity.unbind")
def unbind_channel(connection: Connection, channel_no: str, reason: str) -> tuple[MergeEvent, ...]:
    """Take a channel identity from whom it was bound to, as when a device is given away."""
    _said(reason)
    with bank_wide(connection):
        lock_parties(connection)
        _channel(connection, channel_no)
        done = regroup(connection, [*_release(connection, channel_no), channel_no], reason)
    _audit(connection, "identity.unbind", channel_no, done, reason)
    return done.events


def _said(reason: str) -> None:
    if not reason.strip():
        raise errors.needs_reason()


def _join(connection: Connection, a: str, b: str, evidence: Mapping[str, object], reason: str) -> Regrouped:
    one, other = party_of(connection, a), party_of(connection, b)
    if one.party_no != other.party_no:
        repository.join_again(connection, one.numbers, other.numbers)
    repository.add_links(connection, [Link(min(a, b), max(a, b), LinkKind.STEWARD, 0.0, dict(evidence))], reason)
    return regroup(connection, [*one.numbers, *other.numbers], reason)


def _part(connection: Connection, one: Sequence[str], other: Sequence[str], reason: str) -> Regrouped:
    repository.end_links(connection, one, other, _PROVEN)
    repository.separate(connection, one, other, reason)
    return regroup(connection, [*one, *other], reason)


def _moved(connection: Connection, party: Party, number: str, event_id: UUID | None) -> list[str]:
    if event_id is None:
        return [number] if number != party.party_no else _others_of(party)
    event = ledger.merge_by_id(connection, event_id)
    if event is None or event.kind != "merge":
        raise errors.no_event(str(event_id))
    return [one for one in party.numbers if one in set(event.moved)]


def _others_of(party: Party) -> list[str]:
    """The first number of a party keeps it: taking it out means that the others leave."""
    return [one for one in party.numbers if one != party.party_no]


def _channel(connection: Connection, number: str) -> None:
    own = [member for member in party_of(connection, number).members if member.customer_no == number]
    if not own or not own[0].channel:
        raise errors.not_a_channel(number)


def _release(connection: Connection, channel_no: str) -> list[str]:
    """End what binds a channel identity and return whom it was bound to."""
    bound = [link for link in repository.open_links(connection, repository.linked_with(connection, [channel_no]))
             if link.kind is LinkKind.VERIFIED and channel_no in (link.a, link.b)]  # fmt: skip
    others = [link.b if link.a == channel_no else link.a for link in bound]
    if others:
        repository.end_links(connection, [channel_no], others, [LinkKind.VERIFIED])
    return others


def _audit(connection: Connection, name: str, what: str, done: Regrouped, reason: str, **more: object) -> None:
    moved = [
        {
            "kind": one.kind,
            "party": one.party_no,
            "other": one.other_no,
            "moved": list(one.moved),
            "flags": list(one.flags),
        }
        for one in done.events
    ]
    record_audit(
        connection, name, "party", what, None, {"events": moved, "by": principal_of(connection).id, **more}, reason
    )


def _merge_later(bank: Any, connection: Connection, request: Approval) -> None:
    if request.state is not ApprovalState.CLOSED:
        content = request.content or {}
        merge_parties(connection, content["a"], content["b"])


have_effect(
    KIND, Effects(Text("随后由程序合并这两位客户", "the program merges the two customers next"), later=_merge_later)
)
