"""The people of the simulated bank: their truth, and what they do when a campaign runs.

Potential outcomes are coupled: a customer has one uniform per (seed, campaign, round) and succeeds under an action
where it lies below the action's probability, so that the same customer can be compared under every action.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bankloop.kit.errors import NotFoundError
from bankloop.kit.text import Text
from bankloop.simulate.contracts import RESPONSE_SCHEMA, Response, TrueLift
from bankloop.simulate.draw import Bools, Floats, Ints
from bankloop.simulate.lookup import MONEY, CampaignPeople, Days, as_days, by_customer, coded_actions, customer_rows
from bankloop.simulate.parameters import Parameters, read_parameters
from bankloop.simulate.rounds import advance
from bankloop.simulate.season import in_blackout
from bankloop.simulate.standing import newest_day, read_truth
from bankloop.simulate.streams import uniforms
from bankloop.simulate.traces import response_events
from bankloop.simulate.truth import HAND_ACTION, TYPES

_WINDOW_OF_RATES = 30
# Seconds after UTC midnight: noon in the bank's zone, after the day's contacts are made.
_FIRST_DEED = 14_400


@dataclass(frozen=True, slots=True)
class _Draw:
    """What one round holds for the customers asked: probabilities given what really reached them."""

    reached: Bools
    executed: Bools
    by_hand: Bools
    probability: Floats


class World:
    """The truth of a bank folder, in memory; every method is vectorised over customer numbers."""

    def __init__(
        self, seed: int, parameters: Parameters, truth: dict[str, CampaignPeople], people: pa.Table, units: pa.Table
    ) -> None:
        self.seed, self._p, self._truth = seed, parameters, truth
        self._numbers: pa.Array = people["customer_no"].combine_chunks()
        self._unit: Ints = people["unit_row"].to_numpy()
        self._managed: Bools = people["managed"].to_numpy()
        self._units = units
        self._rates = {name: units[name].to_numpy() for name in ("execution", "false_log", "by_hand")}
        self._people = people

    @classmethod
    def load(cls, folder: Path, before: date | None = None) -> World:
        """Read the newest truth, of a day ``before`` another; raise ``NotFoundError`` without one."""
        home = newest_day(folder, before=before)
        people = pq.read_table(home / "customer.parquet")
        return cls(
            int((people.schema.metadata or {})[b"seed"]),
            read_parameters(home.parent / "parameters.yaml"),
            {name: by_customer(one, people.num_rows) for name, one in read_truth(home).items()},
            people,
            pq.read_table(home.parent / "unit.parquet"),
        )

    def advance(self, folder: Path, responses: Sequence[Response], day: date, *, events: bool = True) -> Path:
        """Move the bank on to the end of ``day``, the round's last day, and return the folder of the files delivered.

        ``responses`` are what the round's customers did; of everybody else in a population, the truth's base decides.
        Writes ``data/incoming/<day>/core`` (customer.dat, holding.csv), with ``events`` also what happened that no
        response holds, and the flags; from then on this world knows the truth of the day after. Who was in a
        population before keeps type, base and effects. The same call again writes the same files.
        Raise ``NotFoundError`` if ``day`` is not after the bank's last day, ``InputError`` for a contact outside it.
        """
        made = advance(folder, self.seed, self._p, responses, day, events)
        self.__dict__.update(World.load(folder).__dict__)
        return made

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Return the campaigns that have a truth."""
        return tuple(self._truth)

    def actions(self, campaign: str) -> tuple[str, ...]:
        """Return the action keys ``product|benefit|channel`` that have an effect in a campaign."""
        return tuple(self._of(campaign).effect)

    def goal(self, campaign: str) -> str:
        """Return the event that counts as success."""
        return str(self._p[f"{campaign}.goal"])

    def customers(self) -> pa.Table:
        """Return the traits by customer: unit_row, managed, contactable, private_banking, digital, activity."""
        return self._people

    def population(self, campaign: str) -> pa.Array:
        """Return the customer numbers of a campaign's natural population, in the bank's order."""
        return self._numbers.take(pa.array(np.flatnonzero(self._of(campaign).place >= 0)))

    def types(self, campaign: str, customer_no: object) -> NDArray[np.str_]:
        """Return ``persuadable``, ``sure``, ``lost`` or ``dog`` per customer, '' outside the population."""
        truth = self._of(campaign)
        place = truth.place[self._rows(customer_no)]
        names = np.array([*TYPES, ""])
        return names[np.where(place >= 0, truth.type_code[place], len(names) - 1)]

    def probabilities(
        self, campaign: str, customer_no: object, actions: list[str], on: date | Days | None = None
    ) -> Floats:
        """Return P(success) of shape (n, 1 + len(actions)); column 0 is no contact, zeros outside the population.

        Intention to treat: delivery, connection and the sub-branch's execution are averaged out. ``on`` is the day of
        contact and matters around the spring festival only.
        """
        rows = self._rows(customer_no)
        base, place = self._base(campaign, rows)
        days = as_days(on, len(rows))
        columns = [base]
        for key in actions:
            effect = self._effect(campaign, key, place)
            columns.append(base + self._reach(key, self._unit[rows], days) * effect * self._response(days))
        return np.clip(np.column_stack(columns), 0.0, 1.0)

    def success_value(self, campaign: str, customer_no: object) -> pa.Table:
        """Return what one success is worth per customer, in fen.

        ``attributed_fen`` is what naive attribution claims, ``contribution_fen`` the change in 12-month contribution:
        ``displaced_fen`` of the amount leaves our own deposits, ``new_money_fen`` does not.
        """
        truth, rows = self._of(campaign), self._rows(customer_no)
        place = truth.place[rows]
        money = {name: np.where(place >= 0, truth.money[name][place], 0) for name in MONEY}
        return pa.table({"customer_no": self._numbers.take(pa.array(rows)), **money})

    def respond(
        self,
        campaign: str,
        round_number: int,
        start: date | Days,
        customer_no: object,
        action: object,
        *,
        executed_by: object = None,
        days: int = 30,
        until: date | None = None,
        seed: int | None = None,
    ) -> Response:
        """Let every customer live through a window of ``days`` from ``start`` (one day, or one per customer).

        With ``until`` the window ends on that day for everybody, whenever theirs began.

        ``action`` holds an action key per customer, '' or null for none; ``executed_by`` the id of the sub-branch
        that does staff tasks (the customer's own by default). The same (seed, campaign, round, customer) always draws the
        same uniforms, whatever the action, the order or the company of other rows.
        """
        rows = self._rows(customer_no)
        keys, code = coded_actions(action, len(rows))
        unit = self._unit[rows] if executed_by is None else self._unit_rows(executed_by)
        begin = as_days(start, len(rows))
        key = (self.seed if seed is None else seed, campaign, round_number)
        draw = self._draw(campaign, rows, keys, code, unit, begin, days, key)
        success = uniforms(rows, *key, "success") < draw.probability
        after = -np.log1p(-uniforms(rows, *key, "day") * 0.97) * self._p.number("response.days_to_act")
        end = begin + (days - 1) if until is None else np.datetime64(until, "D")
        left = (end - begin).astype(np.float64) + 1.0
        if campaign == "keep-deposits":
            after = left - 1.0
        second = np.minimum(after, left - 0.5) * 86_400 + _FIRST_DEED
        at = begin.astype("datetime64[s]") + second.astype("timedelta64[s]")
        table = self._table(campaign, rows, keys, code, unit, begin, draw, success, at, key)
        goal = self.goal(campaign)
        return Response(campaign, goal, table, response_events(table, rows, campaign, round_number, goal))

    def true_lift(
        self, campaign: str, customer_no: object, action: object, on: date | Days | None = None, days: int = 30
    ) -> TrueLift:
        """Return the intention-to-treat truth of a policy: one action key per customer, '' or null for none."""
        rows = self._rows(customer_no)
        keys, code = coded_actions(action, len(rows))
        begin = as_days(on, len(rows))
        issued, base = self._policy(campaign, rows, keys, code, begin)
        hand = HAND_ACTION[campaign]
        as_run = np.zeros(len(rows))
        if hand:
            _, place = self._base(campaign, rows)
            effect = self._p_reached("rm_call", begin) * self._effect(campaign, hand, place)
            as_run = self._hand_rate(rows, days) * effect * self._response(begin)
        contacted = code >= 0
        worth = self.success_value(campaign, customer_no)["contribution_fen"].to_numpy()
        cost = self._costs(campaign, keys, code, issued)
        gain = (issued - base) * worth
        count = max(len(rows), 1)
        return TrueLift(
            customers=len(rows),
            lift=float((issued - base).sum() / count),
            lift_as_run=float((np.where(contacted, issued - base, as_run) - as_run).sum() / count),
            value_fen=round(float(gain.sum() - cost.sum())),
            cost_fen=round(float(cost.sum())),
        )

    def value_of(self, campaign: str, customer_no: object, actions: list[str], on: date | Days | None = None) -> Floats:
        """Return the expected incremental fen after costs, (n, 1 + len(actions)); column 0 is zero.

        The best column per customer under the capacities is the oracle's plan.
        """
        probability = self.probabilities(campaign, customer_no, actions, on)
        worth = self.success_value(campaign, customer_no)["contribution_fen"].to_numpy()
        rows = np.arange(len(worth))
        out = np.zeros_like(probability)
        for column, key in enumerate(actions, start=1):
            cost = self._costs(campaign, [key], np.zeros(len(rows), dtype=np.int64), probability[:, column])
            out[:, column] = (probability[:, column] - probability[:, 0]) * worth - cost
        return out

    def execution(self) -> pa.Table:
        """Return the true rates by sub-branch: unit_id, execution, false_log, by_hand (a month)."""
        return self._units

    def _of(self, campaign: str) -> CampaignPeople:
        if campaign not in self._truth:
            raise NotFoundError(
                "simulate.no_campaign",
                Text(
                    "模拟行没有活动“{campaign}”的真值；有 {known}",
                    "the simulated bank has no truth for '{campaign}'; it has {known}",
                ),
                campaign=campaign,
                known=", ".join(self._truth),
            )
        return self._truth[campaign]

    def _rows(self, customer_no: object) -> Ints:
        return customer_rows(customer_no, len(self._numbers))

    def _unit_rows(self, unit_id: object) -> Ints:
        wanted = unit_id if isinstance(unit_id, pa.Array | pa.ChunkedArray) else pa.array(unit_id, pa.string())
        found = pc.index_in(wanted, value_set=self._units["unit_id"].combine_chunks())
        if found.null_count:
            missing = wanted.filter(pc.is_null(found))[0].as_py()
            raise NotFoundError(
                "simulate.no_unit",
                Text("模拟行没有支行“{unit}”", "the simulated bank has no sub-branch '{unit}'"),
                unit=missing,
            )
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    def _base(self, campaign: str, rows: Ints) -> tuple[Floats, Ints]:
        truth = self._of(campaign)
        place = truth.place[rows]
        return np.where(place >= 0, truth.base[place], 0.0), place

    def _effect(self, campaign: str, key: str, place: Ints) -> Floats:
        effect = self._of(campaign).effect
        if key not in effect:
            raise NotFoundError(
                "simulate.no_action",
                Text(
                    "活动“{campaign}”没有动作“{action}”；有 {known}",
                    "'{campaign}' has no action '{action}'; it has {known}",
                ),
                campaign=campaign,
                action=key,
                known=", ".join(effect),
            )
        return np.where(place >= 0, effect[key][place], 0.0)

    def _response(self, begin: Days) -> Floats:
        return np.where(in_blackout(self._p, begin), self._p.number("season.response_factor"), 1.0)

    def _p_reached(self, channel: str, begin: Days) -> Floats:
        rate = float(self._p.table(f"channels.{channel}")["reached"])
        festive = in_blackout(self._p, begin) & channel.endswith(("call", "seat"))
        return rate * np.where(festive, self._p.number("season.connect_factor"), 1.0)

    def _reach(self, key: str, unit: Ints, begin: Days) -> Floats:
        channel = key.split("|")[2]
        reach = self._p_reached(channel, begin)
        return reach * self._rates["execution"][unit] if channel == "rm_call" else reach

    def _hand_rate(self, rows: Ints, days: int) -> Floats:
        monthly = self._rates["by_hand"][self._unit[rows]] * self._managed[rows]
        return np.asarray(1 - (1 - monthly) ** (days / _WINDOW_OF_RATES))

    def _policy(self, campaign: str, rows: Ints, keys: list[str], code: Ints, begin: Days) -> tuple[Floats, Floats]:
        base, place = self._base(campaign, rows)
        issued = base.copy()
        for number, key in enumerate(keys):
            hit = code == number
            gain = self._effect(campaign, key, place[hit]) * self._response(begin[hit])
            issued[hit] += self._reach(key, self._unit[rows[hit]], begin[hit]) * gain
        return np.clip(issued, 0, 1), base

    def _draw(
        self,
        campaign: str,
        rows: Ints,
        keys: list[str],
        code: Ints,
        unit: Ints,
        begin: Days,
        days: int,
        key: tuple[object, ...],
    ) -> _Draw:
        probability, place = self._base(campaign, rows)
        chance, act = uniforms(rows, *key, "reach"), uniforms(rows, *key, "execute")
        reached, executed = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
        done = act < self._rates["execution"][unit]
        response = self._response(begin)
        for number, name in enumerate(keys):
            hit = code == number
            channel = name.split("|")[2]
            arrives = hit & (chance < self._p_reached(channel, begin))
            if channel == "rm_call":
                executed |= hit & done
                arrives &= done
            reached |= arrives
            probability = probability + arrives * self._effect(campaign, name, place) * response
        hand, by_hand = HAND_ACTION[campaign], np.zeros(len(rows), dtype=bool)
        if hand:
            idle = (code < 0) & (place >= 0)
            by_hand = idle & (uniforms(rows, *key, "by_hand") < self._hand_rate(rows, days))
            arrives = by_hand & (chance < self._p_reached("rm_call", begin))
            probability = probability + arrives * self._effect(campaign, hand, place) * response
        return _Draw(reached, executed, by_hand, np.clip(probability, 0.0, 1.0))

    def _costs(self, campaign: str, keys: list[str], code: Ints, success: Floats | Bools) -> Floats:
        """Return fen a customer: the channel's price, and the coupon's face where the goal is met."""
        cost = np.zeros(len(code))
        for number, key in enumerate(keys):
            _, benefit, channel = key.split("|")
            hit = code == number
            cost[hit] += float(self._p.table(f"channels.{channel}")["cost"]) * 100
            if benefit != "none":
                cost[hit] += float(self._p.table(f"{campaign}.face")[benefit]) * 100 * success[hit]
        return cost

    def _table(
        self,
        campaign: str,
        rows: Ints,
        keys: list[str],
        code: Ints,
        unit: Ints,
        begin: Days,
        draw: _Draw,
        success: Bools,
        at: NDArray[np.datetime64],
        key: tuple[object, ...],
    ) -> pa.Table:
        channels = [name.split("|")[2] for name in keys]
        channel = pa.array([*channels, ""]).take(pa.array(np.where(code >= 0, code, len(keys))))
        rate = {
            name: np.array([float(self._p.table(f"channels.{one}")[name]) for one in channels] + [0.0])[code]
            for name in ("opened", "unsubscribe", "complaint")
        }
        call = np.array([one.endswith(("call", "seat")) for one in channels] + [False])[code]
        staff = np.array([one == "rm_call" for one in channels] + [False])[code]
        opened = draw.reached & ~call & (uniforms(rows, *key, "open") < rate["opened"])
        false_log = staff & ~draw.executed & (uniforms(rows, *key, "log") < self._false_log(unit))
        place = self._of(campaign).place[rows]
        money = {
            name: np.where(success & (place >= 0), values[place], 0)
            for name, values in self._of(campaign).money.items()
        }
        moments = pa.array(at.astype("datetime64[us]"), mask=~success).cast(pa.timestamp("us", tz="UTC"))
        columns: dict[str, object] = {
            "customer_no": self._numbers.take(pa.array(rows)),
            "action": pa.array([*keys, ""]).take(pa.array(np.where(code >= 0, code, len(keys)))),
            "channel": channel,
            "contacted_on": pa.array(begin, mask=code < 0),
            "delivered": draw.reached & ~call,
            "opened": opened,
            "clicked": opened & (uniforms(rows, *key, "click") < 0.5),
            "connected": draw.reached & call,
            "executed": draw.executed,
            "logged_done": draw.executed | false_log,
            "by_hand": draw.by_hand,
            "success": success,
            "success_at": moments,
            **money,
            "cost_fen": np.rint(self._costs(campaign, keys, code, success)).astype(np.int64),
            "unsubscribed": draw.reached & (uniforms(rows, *key, "unsubscribe") < rate["unsubscribe"]),
            "complained": draw.reached & (uniforms(rows, *key, "complain") < rate["complaint"]),
        }
        return pa.table({field.name: columns[field.name] for field in RESPONSE_SCHEMA}).cast(RESPONSE_SCHEMA)

    def _false_log(self, unit: Ints) -> Floats:
        """Return P(reported done | not done), so that the stated share of what is reported done is false."""
        done, false = self._rates["execution"][unit], self._rates["false_log"][unit]
        rate: Floats = done * false / (1 - false) / np.maximum(1 - done, 1e-9)
        return np.clip(rate, 0, 1)
