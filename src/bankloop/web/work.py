"""What a job does, by its kind: plan, run, learn, evaluate; asked for by the API or from a page."""

from __future__ import annotations

from datetime import date
from typing import Any

from bankloop.loop import reach
from bankloop.loop import run as loop
from bankloop.loop.shelf import gate
from bankloop.organization import system
from bankloop.report import save_window
from bankloop.web.console import Console
from bankloop.web.visitor import Visitor
from bankloop.wiring import file_channel


def work_of(console: Console, visitor: Visitor, kind: str, asked: dict[str, Any]) -> Any:
    """Return the work of a job: it says its steps to who calls it and returns a plain result."""
    bank = console.bank

    def window(say: Any) -> tuple[int, date]:
        say("plan")
        return asked["round"], date.fromisoformat(asked["start"]) if asked["start"] else bank.lake.today()

    def plan_it(say: Any) -> dict[str, Any]:
        found = loop.plan(bank, system("plan"), *window(say))
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
        round_, day = window(say)
        prepared = None if loop.was_run(bank, system(), round_, day) else loop.plan(bank, system(), round_, day)
        say("run")
        report = loop.run(bank, system(), round_, day, prepared=prepared)
        if prepared is not None:
            save_window(prepared, bank.folder)
        say("deliver")
        sent = reach.deliver(bank.store, system("delivery"), file_channel(bank.folder), gate)
        issued = report.issued
        return {
            "round": round_, "window_start": day.isoformat(), "already_run": issued is None, "sent": sent,
            "decisions": issued.decisions if issued else 0, "contacts": issued.accepted if issued else 0,
        }  # fmt: skip

    def learn_it(say: Any) -> dict[str, Any]:
        say("train")
        today = bank.lake.today()
        if asked["round"] == 0:
            return loop.draft_model(bank, visitor.principal, asked["campaign"], today).as_dict()
        return loop.learn(bank, visitor.principal, asked["campaign"], asked["round"], today).card.as_dict()

    def evaluate_it(say: Any) -> dict[str, Any]:
        say("read")
        return loop.evaluate(bank, system(), asked["campaign"], asked["rounds"]).as_dict()

    return {"plan": plan_it, "run": run_it, "learn": learn_it, "evaluate": evaluate_it}[kind]
