"""What a job does, by its kind: the loop's plan, run, learn, evaluate, and the bank's regular work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from bankloop.care.initiative import care_for_maturities, explain_fall, keep_in_touch
from bankloop.customer.identity import learn_matching, link_identities
from bankloop.customer.relation import derive_relations
from bankloop.customer.servicing import assign_keepers, make_care_tasks
from bankloop.customer.tier import close_month
from bankloop.loop import run as loop
from bankloop.loop.bank import Bank
from bankloop.loop.learning.amounts import draft_amount
from bankloop.loop.learning.forecasts import draft_forecast, score_forecast
from bankloop.loop.learning.training import draft_model, watch_model
from bankloop.loop.offering.assortment import review_products
from bankloop.organization.principals import system
from bankloop.store.contracts import Principal
from bankloop.store.resealing import renew_seals
from bankloop.web.shell.console import Console
from bankloop.web.shell.visitor import Visitor
from bankloop.wiring import file_channel
from bankloop.work.rounds import run_round

Say = Callable[[str], None]
Work = Callable[[Say], Any]


def work_of(console: Console, visitor: Visitor, kind: str, asked: Mapping[str, Any]) -> Work:
    """Return the work of a job: it says its steps to who calls it and returns a plain result."""
    bank = console.bank

    def window(say: Any) -> tuple[int, date]:
        say("plan")
        return asked["round"], date.fromisoformat(asked["start"]) if asked["start"] else bank.lake.today()

    def plan_it(say: Any) -> dict[str, Any]:
        found = loop.plan(bank, system("plan"), *window(say), further=bool(asked.get("further")))
        solution = found.plan.solution
        lines = [
            {"campaign": x.campaign, "action": x.action, "customers": x.customers, "cost_fen": round(x.cost), "value_fen": round(x.value)}
            for x in found.plan.lines
        ]  # fmt: skip
        return {
            "value_fen": round(solution.objective),
            "bound_fen": round(solution.bound),
            "gap": solution.gap,
            "lines": lines,
        }

    def run_it(say: Any) -> dict[str, Any]:
        day = date.fromisoformat(asked["start"]) if asked["start"] else bank.lake.today()
        further = bool(asked.get("further"))
        done = run_round(bank, system(), asked["round"], day, file_channel(bank.folder), further=further, say=say)
        return done.plain()

    def learn_it(say: Any) -> dict[str, Any]:
        say("train")
        today = bank.lake.today()
        if asked["round"] == 0:
            return draft_model(bank, visitor.principal, asked["campaign"], today).as_dict()
        return loop.learn(bank, visitor.principal, asked["campaign"], asked["round"], today).card.as_dict()

    def evaluate_it(say: Any) -> dict[str, Any]:
        say("read")
        return loop.evaluate(bank, system(), asked["campaign"], asked["rounds"]).as_dict()

    loops = {"plan": plan_it, "run": run_it, "learn": learn_it, "evaluate": evaluate_it}
    return loops[kind] if kind in loops else _regular(bank, visitor.principal, kind, asked)


def _regular(bank: Bank, principal: Principal, kind: str, asked: Mapping[str, Any]) -> Work:
    """Return the work of a job that needs one call: in the caller's name, or in the program's where it does it every day."""
    store, lake = bank.store, bank.lake

    def link(_: Say) -> Any:
        with store.begin(principal) as connection:
            if asked["learn"]:
                learn_matching(connection)
            return link_identities(connection, whole=asked["whole"])

    def assign(_: Say) -> Any:
        with store.begin(principal) as connection:
            return assign_keepers(connection, lake)

    def care(_: Say) -> Any:
        with store.begin(system("servicing")) as connection:
            return make_care_tasks(connection, lake, lake.today())

    def maturity(_: Say) -> Any:
        with store.begin(principal) as connection:
            return care_for_maturities(bank, connection, lake.today())

    def remote(_: Say) -> Any:
        with store.begin(principal) as connection:
            return keep_in_touch(bank, connection, lake.today())

    def drawdown(_: Say) -> Any:
        with store.begin(principal) as connection:
            return explain_fall(bank, connection, lake.today(), asked["product"])

    def close(_: Say) -> Any:
        month = (
            date.fromisoformat(asked["month"]) if asked["month"] else lake.today().replace(day=1) - timedelta(days=1)
        )
        return close_month(store, principal, lake, month)

    works: Mapping[str, Work] = {
        "link": link, "assign": assign, "care": care, "close": close, "maturity": maturity, "drawdown": drawdown,
        "remote": remote,
        "derive": lambda _: derive_relations(store, principal, lake),
        "watch": lambda _: watch_model(bank, principal, asked["campaign"], lake.today() - timedelta(days=1)),
        "amount": lambda _: draft_amount(bank, principal, asked["campaign"], lake.today() - timedelta(days=1)).as_dict(),
        "forecast": lambda _: draft_forecast(bank, principal, asked["forecast"], lake.today() - timedelta(days=1)).as_dict(),
        "score": lambda _: score_forecast(bank, principal, asked["forecast"], lake.today() - timedelta(days=1)),
        "review": lambda _: {"opened": review_products(bank, principal)},
        "renew": lambda _: {"renewed": renew_seals(store, system("keys"))},
    }  # fmt: skip
    return works[kind]
