"""The report in one file: pictures first, both languages, no script, no request to anywhere."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankloop.kit.errors import NotFoundError
from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Language, Text
from bankloop.loop.reach import actions_of
from bankloop.loop.round.window import Window
from bankloop.report import story as telling
from bankloop.report.champions import challenger_table
from bankloop.report.contracts import PlanView, ResultsView, Truth
from bankloop.report.keeping import load_window_view
from bankloop.report.loading import quarantine_table
from bankloop.report.plan import plan_page
from bankloop.report.record import PlanRecord, action_title, record_of
from bankloop.report.results import results_page
from bankloop.report.story import DemoStory
from bankloop.simulate.world import World
from bankloop.view.figures import Picture, Table
from bankloop.view.templating import environment, style


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the report shows, as values."""

    title: Text
    bank: Text
    plan: PlanView
    results: ResultsView
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]


def report_of(story: DemoStory, truth: Truth | None = None) -> Report:
    """Return the report of a demo as values; ``truth`` adds what only a simulator knows."""
    window = story.windows[-1]
    titles = {name: lock.campaign.title.text for name, lock in window.locks.items()}
    plan, results = plan_page(_record(story, window)), results_view(story, titles)
    extra = [telling.policies_picture(story.policies)] if story.policies else []
    if truth is not None:
        extra += [telling.dogs_picture(truth), telling.execution_picture(truth)]
    cards = {name: card.as_dict() for name, card in story.cards.items()}
    tables = [telling.check_table(story), telling.card_table(cards, titles)]
    if story.challengers:
        tables.append(challenger_table(story.challengers, titles))
    if story.load is not None:
        tables.append(quarantine_table(story.load))
    title = Text("泉江银行：闭环演示", "Quanjiang Bank: the closed loop")
    return Report(title, telling.bank_line(story.bank), plan, results, tuple(extra), tuple(tables))


def results_view(story: DemoStory, titles: Mapping[str, Text]) -> ResultsView:
    """Return the results' page of a demo, the simulator's truth beside the readings."""
    found = [one for round_ in story.rounds for one in round_]
    truth = {(one.campaign, number): one.true_lift for number, round_ in enumerate(story.rounds, 1) for one in round_}
    names = {
        (name, action.key): action_title(lock, action)
        for window in story.windows
        for name, lock in window.locks.items()
        for action in actions_of(lock)
    }
    readings, pooled = [one.reading for one in found], list(story.pooled.values())
    return results_page(readings, titles, pooled, story.placebo, truth, names, story.programme)


def html_report(story: DemoStory, language: Language = Language.ZH, truth: Truth | None = None) -> str:
    """Return the report as one HTML file; ``language`` is shown first, the other one a click away."""
    report = report_of(story, truth if truth is not None else _truth(story))
    pages = environment(Path(__file__).parent / "templates")
    bodies = {one.value: pages.get_template("report_body.html").render(report=report, lang=one) for one in Language}
    return pages.get_template("report.html").render(
        report=report, bodies=bodies, style=style(), first=language.value, other=Language.EN.value
    )


def write_report(story: DemoStory, path: Path, language: Language = Language.ZH) -> Path:
    """Write the report, and beside it what the console shows of the simulator's truth; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, html_report(story, language))
    _write(path.parent / "truth.json", canonical_json(_plain_truth(story)))
    return path


def _record(story: DemoStory, window: Window) -> PlanRecord:
    """The kept plan where there is one: it need not be solved again."""
    try:
        return load_window_view(story.bank.folder, window.plan.plan_id)
    except NotFoundError:
        return record_of(window)


def _truth(story: DemoStory) -> Truth | None:
    try:
        return telling.known_truth(story.windows[-1], World.load(story.bank.folder))
    except NotFoundError:
        return None


def _plain_truth(story: DemoStory) -> dict[str, Any]:
    placebo = story.placebo
    return {
        "lifts": [[one.campaign, n, one.true_lift] for n, found in enumerate(story.rounds, 1) for one in found],
        "placebo": {**placebo.as_dict(), "verdict": placebo.verdict.value} if placebo else None,
    }


def _write(path: Path, content: str) -> None:
    descriptor, made = tempfile.mkstemp(prefix=".making-", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    os.chmod(made, 0o644)
    os.replace(made, path)
