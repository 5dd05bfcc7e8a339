"""What a branch narrows by itself (分行特色): checked against head office's limits, and applied when a window is planned.

A condition is added to the campaign's own with "and", a cap to head office's, a benefit is taken away: so a branch can only
ever reach fewer. What it gives beside is of the benefits that the campaign leaves to branches, up to head office's frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bankloop.contact.contracts import Cap
from bankloop.kit.errors import ConflictError, DeniedError, InputError, NotFoundError
from bankloop.kit.expression import BOOL, Type, parse
from bankloop.kit.ids import digest
from bankloop.kit.text import Text
from bankloop.loop.bank import Bank
from bankloop.loop.spec import ANY_CHANNEL, Campaign, Label, Lock, Policies, Quota
from bankloop.loop.spec.batch import Bools, conditions
from bankloop.organization.branch_rule import Narrowing, keep_narrowing, narrowings
from bankloop.organization.people import below, units
from bankloop.organization.rights import check_named
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_UNIT, Principal
from bankloop.store.verbs import verb

WEEK = 7
_LONGEST = 2_000
# Far above what anybody would be contacted in a week.
_MOST_SENSIBLE = 1_000


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The branches' rules in force, with the units below each branch."""

    rules: tuple[Narrowing, ...] = ()
    units: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def ids(self) -> frozenset[UUID]:
        """Return which rules these are."""
        return frozenset(one.narrowing_id for one in self.rules)

    def outside(self, campaign: str, state: pa.Table, types: Mapping[str, Type], as_of: date) -> Bools | None:
        """Return who of the state (n,) a branch leaves out of a campaign; what cannot be known leaves out. None for nobody."""
        mine = [one for one in self.rules if one.condition and one.campaign in ("", campaign)]
        if not mine:
            return None
        met = conditions(state, {str(one.narrowing_id): one.condition for one in mine}, types, as_of)
        found = np.zeros(state.num_rows, bool)
        for one in mine:
            here = self._here(one.unit_id, state)
            found |= here & ~met[str(one.narrowing_id)]
        return found

    def withheld(self, campaign: Campaign, state: pa.Table) -> dict[str, Bools]:
        """Return by benefit who of the state (n,) gets none: their branch withholds it, or did not add it."""
        found = {key: np.ones(state.num_rows, bool) for key in campaign.branch_benefits}
        for one in self._of(campaign):
            for key in found.keys() & one.added.keys():
                found[key] &= ~self._here(one.unit_id, state)
        for one in self._of(campaign):
            if one.withheld:
                here = self._here(one.unit_id, state)
                found |= {key: here | found.get(key, False) for key in one.withheld}
        return found

    def on(self, lock: Lock) -> Lock:
        """Return a lock bounded by what branches set aside for benefits of their own, never above head office's frame.

        Its digest stays that of what was approved.
        """
        campaign = lock.campaign
        own = tuple(
            _set_aside(one.unit_id, key, min(money, campaign.branch_benefits[key]))
            for one in self._of(campaign)
            for key, money in sorted(one.added.items())
            if key in campaign.branch_benefits
        )
        if not own:
            return lock
        reach = campaign.reach.model_copy(update={"quotas": (*campaign.reach.quotas, *own)})
        return replace(lock, campaign=campaign.model_copy(update={"reach": reach}))

    def _of(self, campaign: Campaign) -> list[Narrowing]:
        return [one for one in self.rules if one.campaign in ("", campaign.campaign)]

    def caps(self) -> list[Cap]:
        """Return the branches' own caps, beside head office's; one for a campaign holds that campaign's contacts alone."""
        return [
            Cap(
                EVERY_UNIT, one.per_week, WEEK, units=tuple(sorted(self.units[one.unit_id])), said_by=one.unit_id,
                campaign=one.campaign,
            )
            for one in self.rules
            if one.per_week is not None
        ]  # fmt: skip

    def _here(self, unit_id: str, state: pa.Table) -> Bools:
        inside = pa.array(sorted(self.units[unit_id]), pa.string())
        found = pc.or_(pc.is_in(state["branch_id"], inside), pc.is_in(state["sub_branch_id"], inside))
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _set_aside(unit: str, benefit: str, money: int) -> Quota:
    title = Label(zh=f"{unit} 自加的 {benefit}", en=f"{benefit} added by {unit}")
    key = f"own-{digest([unit, benefit])[:12]}"
    # A number is yuan where a file is read; what is set aside is fen already.
    return Quota(key=key, title=title, benefit=benefit, branch=unit, budget=0).model_copy(update={"budget": money})


def narrowed(connection: Connection) -> Narrowed:
    """Return the rules in force that may be seen."""
    rules = narrowings(connection)
    return Narrowed(rules, {unit: frozenset(below(connection, [unit])) for unit in {one.unit_id for one in rules}})


def same_rules(connection: Connection, ids: frozenset[UUID]) -> None:
    """Raise ``ConflictError`` where branches' rules changed since a window was planned."""
    if narrowed(connection).ids != ids:
        raise ConflictError(
            "run.narrowing_changed",
            Text(
                "做方案之后分行的本地规则变了；请再运行一次，会按现在的规则重做方案",
                "branches' own rules have changed since this plan was made; run again, and it is planned by the rules as they "
                "are now",
            ),
        )


@verb("narrowing.set")
def narrow(
    bank: Bank,
    principal: Principal,
    unit_id: str,
    campaign: str = "",
    condition: str = "",
    per_week: int | None = None,
    reason: str = "",
    withheld: Sequence[str] = (),
    added: Mapping[str, int] | None = None,
) -> Narrowing:
    """Let a unit of the principal's narrow a campaign, or all of them where ``campaign`` is '', for its own customers.

    A branch adds (``added``) benefits that the campaign leaves to branches, each with what it may cost a window, fen.
    Raises ``DeniedError`` for what is above head office's limits or a unit of others, ``InputError`` for a rule that
    says nothing or reads what is confidential, ``NotFoundError`` for an unknown campaign or benefit,
    ``ExpressionError`` for a bad condition.
    """
    if EVERY_UNIT not in principal.units and unit_id not in principal.units:
        raise _not_yours(principal.id, unit_id)
    words, more = condition.strip(), dict(added or {})
    if not words and per_week is None and not withheld and not more:
        raise _says_nothing()
    if campaign:
        bank.campaign(campaign)
    within_frame(bank.campaign(campaign) if campaign else None, more)
    if words:
        _readable(bank, words[:_LONGEST])
    within_limits(bank.spec.policies, per_week)
    _known(bank, withheld)
    with bank.store.begin(principal) as connection:
        check_named(connection, unit_id=unit_id)
        if more and unit_id not in {one.unit_id for one in units(connection) if one.kind == "branch"}:
            raise _branches_add(unit_id)
        made = keep_narrowing(connection, unit_id, campaign, words, per_week, withheld, reason, more)
        after = {
            "unit": unit_id,
            "campaign": campaign,
            "condition": words,
            "per_week": per_week,
            "withheld": made.withheld,
            "added": dict(made.added),
        }
        record_audit(connection, "narrowing.set", "narrowing", str(made.narrowing_id), None, after, reason)
    return made


def within_limits(policies: Policies, per_week: int | None) -> None:
    """Raise ``DeniedError`` where a branch would contact its customers more often than head office allows."""
    most = most_a_week(policies)
    if per_week is not None and most is not None and per_week > most:
        raise DeniedError(
            "narrowing.wider",
            Text(
                "总行上限是每周 {most} 次，分行不能放宽到 {asked} 次；请填不超过 {most} 的数，或请总行改策略",
                "head office allows {most} contacts a week; a branch cannot widen that to {asked}: ask for {most} or fewer, or "
                "have head office change its policy",
            ),
            most=most,
            asked=per_week,
        )
    if per_week is not None and not 0 <= per_week <= _MOST_SENSIBLE:
        raise _says_nothing()


def within_frame(campaign: Campaign | None, added: Mapping[str, int]) -> None:
    """Raise ``DeniedError`` for a benefit that a campaign does not leave to branches, or for too much money."""
    frame = campaign.branch_benefits if campaign is not None else {}
    for key, money in added.items():
        if key not in frame:
            raise DeniedError(
                "narrowing.not_left_to_branches",
                Text(
                    "总行没有把权益“{benefit}”留给分行自加；该战役可自加的：{known}。请选其中之一，或请总行在战役文件的 branch_benefits 里写上",
                    "head office does not leave the benefit '{benefit}' to branches; of this campaign they may add "
                    "{known}: choose one of these, or have head office write it under branch_benefits of the campaign",
                ),
                benefit=key[:64],
                known=", ".join(sorted(frame)) or "—",
            )
        if not 0 < money <= frame[key]:
            raise DeniedError(
                "narrowing.above_frame",
                Text(
                    "总行允许每个分行每期在“{benefit}”上至多用 {most} 元，不能定为 {asked} 元；请填大于 0、不超过它的数，或请总行改战役",
                    "head office allows a branch {most} yuan a window for '{benefit}', not {asked}: ask for more than "
                    "nought and no more than that, or have head office change the campaign",
                ),
                benefit=key,
                most=f"{frame[key] / 100:,.2f}",
                asked=f"{money / 100:,.2f}",
            )


def most_a_week(policies: Policies) -> int | None:
    """Return how many contacts a week head office allows over all channels; None where it says nothing of it."""
    return min(
        (cap.limit for cap in policies.contact.caps if cap.channel == ANY_CHANNEL and cap.days >= WEEK), default=None
    )


def _readable(bank: Bank, words: str) -> None:
    found = parse(words, bank.catalogue.types, wants=BOOL)
    secret = sorted(name for name in found.names if bank.catalogue[name].confidential)
    if secret:
        raise InputError(
            "narrowing.confidential",
            Text("条件不能用保密属性 {names}；请换一个属性", "a condition cannot read what is confidential ({names}); use another attribute"),
            names=", ".join(secret),
        )  # fmt: skip


def _known(bank: Bank, withheld: Sequence[str]) -> None:
    """Raise ``NotFoundError`` for a benefit that the bank does not have."""
    there = sorted(bank.spec.benefits)
    for key in withheld:
        if key not in there:
            raise NotFoundError(
                "narrowing.no_benefit",
                Text("没有权益 {benefit} 可以收窄；可选：{known}", "there is no benefit {benefit} to withhold; there are {known}"),
                benefit=key[:64], known=", ".join(there) or "—",
            )  # fmt: skip


def _says_nothing() -> InputError:
    return InputError(
        "narrowing.nothing",
        Text(
            "请至少写一个条件、一项不提供或自加的权益，或不小于 0 的每周上限",
            "give a condition, a benefit to withhold or to add, or a cap a week not below nought",
        ),
    )


def _branches_add(unit: str) -> DeniedError:
    return DeniedError(
        "narrowing.branches_add",
        Text(
            "只有分行可以自加权益，{unit} 不是分行；请由其分行设置",
            "branches alone add a benefit, and {unit} is none; let its branch set it",
        ),
        unit=unit[:64],
    )


def _not_yours(person: str, unit: str) -> DeniedError:
    return DeniedError(
        "narrowing.not_yours",
        Text("{unit} 不在 {person} 的范围内；请由该机构设置", "{unit} is not {person}'s; let that unit set it"),
        person=person,
        unit=unit[:64],
    )


__all__: Sequence[str] = [
    "Narrowed",
    "most_a_week",
    "narrow",
    "narrowed",
    "same_rules",
    "within_frame",
    "within_limits",
]
