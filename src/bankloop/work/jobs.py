"""What a bank's long work is: by kind its arguments, the right it asks for, and what it does with an open bank.

Commands, pages and API ask for it here, workers do it. Every kind is safe to do again: a job whose process died is
taken over by another and begun anew, and what was done of it already is not done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bankloop.care.initiative import care_for_maturities, explain_fall, keep_in_touch
from bankloop.customer.identity import learn_matching, link_identities
from bankloop.customer.relation import derive_relations
from bankloop.customer.servicing import assign_keepers, make_care_tasks
from bankloop.customer.tier import close_month
from bankloop.kit.fields import Day, LearnedFrom, Name, Round
from bankloop.lake.proposal.draft import look_at_draft, propose_draft, read_draft
from bankloop.lake.proposal.trying import try_draft
from bankloop.lake.sources import read_sources
from bankloop.lake.standstill import why_nothing
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.campaign.locks_in_force import approved_locks
from bankloop.loop.learning.amounts import draft_amount
from bankloop.loop.learning.forecasts import draft_forecast, forecast_of, score_forecast
from bankloop.loop.learning.training import draft_model, watch_model
from bankloop.loop.offering.assortment import review_products
from bankloop.organization.principals import system
from bankloop.store.contracts import Principal
from bankloop.store.resealing import renew_seals
from bankloop.work.rounds import Say, run_round
from bankloop.work.simulated_day import check_simulated, live_day
from bankloop.work.workplace import Workplace


class Arguments(BaseModel):
    """What a job is asked with; what its kind does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=1_000)


class WindowArguments(Arguments):
    """Which round, from which day on (today where unsaid), and whether it is one more window after its last."""

    round: Round = 1
    start: Day | None = None
    further: bool = False


class CampaignArguments(Arguments):
    """A campaign by its name."""

    campaign: Name


class LearnArguments(CampaignArguments):
    """From which round's labels to learn; 0 is history."""

    round: LearnedFrom = 0


class EvaluateArguments(CampaignArguments):
    """Which rounds of a campaign to read together."""

    rounds: Annotated[tuple[Round, ...], Field(min_length=1, max_length=100)]


class ForecastArguments(Arguments):
    """A forecast by its key."""

    forecast: Name


class LinkArguments(Arguments):
    """Whether all records are compared anew, and whether the weights are learned from them first."""

    whole: bool = False
    learn: bool = False


class MonthArguments(Arguments):
    """Which month is closed, by any of its days; the last one that is over where unsaid."""

    month: Day | None = None


class ProductArguments(Arguments):
    """A product by its id."""

    product: Name


Act = Callable[[Workplace, Principal, Any, Say], Any]


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job: the right it asks for, what it does, its arguments, and what refuses them at once."""

    right: str
    act: Act
    arguments: type[Arguments] = Arguments
    check: Callable[[Bank, Any], object] = lambda _bank, _asked: None


def _plan(place: Workplace, _: Principal, asked: WindowArguments, say: Say) -> dict[str, Any]:
    say("plan")
    start = asked.start or place.bank.lake.today()
    found = loop.plan(place.bank, system("plan"), asked.round, start, further=asked.further)
    solution = found.plan.solution
    return {
        "value_fen": round(solution.objective),
        "bound_fen": round(solution.bound),
        "gap": solution.gap,
        "lines": [
            {
                "campaign": one.campaign,
                "action": one.action,
                "customers": one.customers,
                "cost_fen": round(one.cost),
                "value_fen": round(one.value),
            }
            for one in found.plan.lines
        ],
    }


def _run(place: Workplace, _: Principal, asked: WindowArguments, say: Say) -> dict[str, Any]:
    start = asked.start or place.bank.lake.today()
    done = run_round(place.bank, system(), asked.round, start, place.channel, further=asked.further, say=say)
    return done.plain()


def _learn(place: Workplace, principal: Principal, asked: LearnArguments, say: Say) -> dict[str, Any]:
    say("train")
    bank, today = place.bank, place.bank.lake.today()
    if asked.round == 0:
        return draft_model(bank, principal, asked.campaign, today).as_dict()
    return loop.learn(bank, principal, asked.campaign, asked.round, today).card.as_dict()


def _evaluate(place: Workplace, _: Principal, asked: EvaluateArguments, say: Say) -> dict[str, Any]:
    say("read")
    return loop.evaluate(place.bank, system(), asked.campaign, list(asked.rounds)).as_dict()


def _link(place: Workplace, principal: Principal, asked: LinkArguments, _: Say) -> Any:
    with place.bank.store.begin(principal) as connection:
        if asked.learn:
            learn_matching(connection)
        return link_identities(connection, whole=asked.whole)


def _assign(place: Workplace, principal: Principal, _asked: Arguments, _: Say) -> Any:
    with place.bank.store.begin(principal) as connection:
        return assign_keepers(connection, place.bank.lake)


def _care(place: Workplace, _: Principal, _asked: Arguments, _say: Say) -> Any:
    lake = place.bank.lake
    with place.bank.store.begin(system("servicing")) as connection:
        return make_care_tasks(connection, lake, lake.today())


def _maturity(place: Workplace, principal: Principal, _asked: Arguments, _: Say) -> Any:
    with place.bank.store.begin(principal) as connection:
        return care_for_maturities(place.bank, connection, place.bank.lake.today())


def _remote(place: Workplace, principal: Principal, _asked: Arguments, _: Say) -> Any:
    with place.bank.store.begin(principal) as connection:
        return keep_in_touch(place.bank, connection, place.bank.lake.today())


def _drawdown(place: Workplace, principal: Principal, asked: ProductArguments, _: Say) -> Any:
    with place.bank.store.begin(principal) as connection:
        return explain_fall(place.bank, connection, place.bank.lake.today(), asked.product)


def _close(place: Workplace, principal: Principal, asked: MonthArguments, _: Say) -> Any:
    last = place.bank.lake.today().replace(day=1) - timedelta(days=1)
    return close_month(place.bank.store, principal, place.bank.lake, asked.month or last)


def _derive(place: Workplace, principal: Principal, _asked: Arguments, _: Say) -> Any:
    return derive_relations(place.bank.store, principal, place.bank.lake)


def _watch(place: Workplace, principal: Principal, asked: CampaignArguments, _: Say) -> Any:
    return watch_model(place.bank, principal, asked.campaign, _yesterday(place))


def _amount(place: Workplace, principal: Principal, asked: CampaignArguments, _: Say) -> Any:
    return draft_amount(place.bank, principal, asked.campaign, _yesterday(place)).as_dict()


def _forecast(place: Workplace, principal: Principal, asked: ForecastArguments, _: Say) -> Any:
    return draft_forecast(place.bank, principal, asked.forecast, _yesterday(place)).as_dict()


def _score(place: Workplace, principal: Principal, asked: ForecastArguments, _: Say) -> Any:
    return score_forecast(place.bank, principal, asked.forecast, _yesterday(place))


def _review(place: Workplace, principal: Principal, _asked: Arguments, _: Say) -> Any:
    return {"opened": review_products(place.bank, principal)}


def _renew(place: Workplace, _: Principal, _asked: Arguments, _say: Say) -> Any:
    return {"renewed": renew_seals(place.bank.store, system("keys"))}


def _try(place: Workplace, _: Principal, _asked: Arguments, say: Say) -> Any:
    """Try what has been brought by what is proposed of it; its rows stay beside the files."""
    say("try")
    folder, clock = place.bank.folder, place.bank.clock
    draft = read_draft(folder)
    proposal, draft = propose_draft(draft, look_at_draft(draft), _yesterday(place))
    found = try_draft(draft, proposal, place.bank.lake, clock)
    read, good = (sum(getattr(one, name) for one in found.sources) for name in ("read", "good"))
    return {"read": read, "good": good, "findings": len(found.findings)}


def _load(place: Workplace, _: Principal, _asked: Arguments, say: Say) -> Any:
    """Load what has arrived, then compute what everybody looks at first."""
    bank = place.bank
    report = place.take_in(bank, lambda source, done, total: say(f"load {source} {done}/{total}"))
    if report.versions:
        say("profiles")
        with bank.store.begin(system("load")) as connection:
            bank.profiles(connection)
    names = ("rows_read", "loaded", "quarantined")
    counted = {name: sum(getattr(one, name) for one in report.sources) for name in names}
    why = [{"zh": one.zh, "en": one.en} for one in why_nothing(report, read_sources(bank.folder))]
    return {**counted, "why": why}


def _day(place: Workplace, _: Principal, _asked: Arguments, say: Say) -> Any:
    return live_day(place, say).plain()


def _yesterday(place: Workplace) -> date:
    return place.bank.lake.today() - timedelta(days=1)


def _approved(bank: Bank, _: Arguments) -> object:
    return approved_locks(bank, system("jobs"))


def _known_campaign(bank: Bank, asked: CampaignArguments) -> object:
    return bank.campaign(asked.campaign)


def _known_forecast(bank: Bank, asked: ForecastArguments) -> object:
    return forecast_of(bank, asked.forecast)


def _simulated(bank: Bank, _: Arguments) -> None:
    check_simulated(bank)


JOBS: Mapping[str, JobKind] = {
    "plan": JobKind("plan.read", _plan, WindowArguments, _approved),
    "run": JobKind("round.run", _run, WindowArguments, _approved),
    "learn": JobKind("model.learn", _learn, LearnArguments, _known_campaign),
    "evaluate": JobKind("round.evaluate", _evaluate, EvaluateArguments, _known_campaign),
    "link": JobKind("identity.link", _link, LinkArguments),
    "assign": JobKind("servicing.assign", _assign),
    "care": JobKind("servicing.care", _care),
    "remote": JobKind("servicing.maintain", _remote),
    "maturity": JobKind("care.maturity", _maturity),
    "drawdown": JobKind("care.drawdown", _drawdown, ProductArguments),
    "close": JobKind("tier_rule.close", _close, MonthArguments),
    "derive": JobKind("relation.derive", _derive),
    "watch": JobKind("model.watch", _watch, CampaignArguments, _known_campaign),
    "amount": JobKind("model.amount", _amount, CampaignArguments, _known_campaign),
    "forecast": JobKind("model.forecast", _forecast, ForecastArguments, _known_forecast),
    "score": JobKind("model.score", _score, ForecastArguments, _known_forecast),
    "review": JobKind("product.review", _review),
    "renew": JobKind("keys.renew", _renew),
    "try": JobKind("lake.load", _try),
    "load": JobKind("lake.load", _load),
    "day": JobKind("demo.day", _day, Arguments, _simulated),
}
