"""The bank's own rules through a round: chosen at the plan's limits, kept with decisions, read after the window, shown."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bankloop.cli import policies as commands
from bankloop.kit.clock import FixedClock
from bankloop.kit.text import Language, Text
from bankloop.loop.evaluate import Estimate, Reading, RuleReading, RuleVerdict, reading_of
from bankloop.loop.reach import Family
from bankloop.loop.round import reading
from bankloop.loop.round.reading import newest_readings, read_rounds
from bankloop.loop.round.rules import RICHEST, RuleChoice, rule_choices
from bankloop.loop.round.window import Window, plain_reading
from bankloop.organization.principals import system
from bankloop.report.html import html_report
from bankloop.report.results import results_book, results_page
from bankloop.report.rules import measured_table
from bankloop.store.history import read_decisions
from bankloop.store.registry import read_plans
from bankloop.view.book import book_html, book_plain
from tests.bankfixture import ROUND, SmallBank, Told
from tests.report.test_plan import CHINESE, texts_of

RULE = RuleReading(
    "churn", Text("流失高的先", "Churn first"), "d|none|rm_call", 900, 880, RuleVerdict.RULE,
    Text("规则更好：方案少带来", "the rule is better: less"), Estimate(9e6, 1e6, 17e6), 0.97, 0.1,
    Estimate(-5e6, -9e6, -1e6), (850.0, 120.0), (100.0, 900.0), 5e6, 1,
)  # fmt: skip


def kept(small: SmallBank) -> dict[str, Reading]:
    return {one.campaign: one for one in newest_readings(small.open, system())}


def campaign_of(window: Window, choice: RuleChoice) -> str:
    return window.plan.candidates.campaigns[choice.index].campaign


def test_a_rule_gives_as_many_contacts_and_says_of_everybody_whom_it_would_contact(small: SmallBank) -> None:
    window, found = small.window, small.window.plan.candidates
    choices = rule_choices(window)
    assert {campaign_of(window, one) for one in choices} == set(window.locks)
    for one in choices:
        assert 0 < (one.chosen & one.planned).sum() <= one.mine.sum()
        assert not (one.chosen & ~np.isfinite(found.value[:, one.column])).any()
    # A matter of the customer alone: of controls and of those drawn by lot it is known too.
    apart = {cell for one in choices for cell in np.unique(found.cell[one.chosen]).tolist()}
    assert {"optimize", "explore", "holdout"} <= apart
    assert any((one.chosen & found.control[:, one.index]).any() for one in choices)
    (rich,) = (one for one in choices if one.rule == RICHEST and campaign_of(window, one) == "keep-deposits")
    assets = np.nan_to_num(np.asarray(window.members["aum"].to_numpy(), float))
    open_ = rich.planned & np.isfinite(found.value[:, rich.column])
    assert assets[rich.chosen & open_].min() >= assets[open_ & ~rich.chosen].max()


def test_a_rule_keeps_the_limits_of_every_branch_that_the_plan_keeps(small: SmallBank) -> None:
    window, found = small.window, small.window.plan.candidates
    column = next(one.column for one in rule_choices(window) if campaign_of(window, one) == "keep-deposits")
    use = (np.arange(found.width) == column).astype(float)
    index = int(found.column_campaign[column])
    mine = (window.plan.issued[:, index] == column) & (found.cell == "optimize") & ~found.control[:, index]
    given = np.bincount(found.branch[mine], minlength=len(found.branches)).astype(float)
    plan, tight = window.plan, Family("each", use, given, found.branch)
    bound = replace(
        window,
        plan=replace(
            plan,
            problem=replace(plan.problem, families=(*plan.problem.families, tight)),
            solution=replace(plan.solution, used=(*plan.solution.used, given)),
        ),
    )
    for choices, kept_by_branch in ((rule_choices(bound), True), (rule_choices(window), False)):
        by_rule = [
            np.bincount(found.branch[one.chosen & one.planned], minlength=len(found.branches))
            for one in choices
            if one.column == column
        ]
        assert all((one <= given).all() for one in by_rule) is kept_by_branch
        assert all(one.sum() <= given.sum() for one in by_rule)


def test_decisions_and_plan_keep_what_the_rules_would_have_done(small: SmallBank) -> None:
    window = small.window
    with small.open.store.begin(system()) as connection:
        table = read_decisions(connection, sorted(window.locks), ROUND, columns=("campaign", "customer_no", "reasons"))
        (plan,) = read_plans(connection)
    said = {
        (row["campaign"], code.removeprefix("rule:"), row["customer_no"])
        for row in table.to_pylist()
        for code in row["reasons"]
        if code.startswith("rule:")
    }
    numbers = window.plan.candidates.customer_no.to_pylist()
    choices = rule_choices(window)
    meant = {
        (campaign_of(window, one), one.rule, numbers[at])
        for one in choices
        for at in np.flatnonzero(one.chosen).tolist()
    }
    assert said == meant
    assert {(one["campaign"], one["rule"]) for one in plan.summary["rules"]} == {
        (campaign_of(window, one), one.rule) for one in choices
    }


def test_rules_are_read_once_the_window_has_closed_and_come_back_from_the_store_as_they_were(small: SmallBank) -> None:
    assert all(one.reading.rules == () for one in small.story.rounds[0])
    found = kept(small)
    for choice in rule_choices(small.window):
        (one,) = (rule for rule in found[campaign_of(small.window, choice)].rules if rule.rule == choice.rule)
        alone = choice.mine & ~choice.chosen, choice.planned & choice.chosen & ~choice.mine
        # Whom the plan meant to contact counts, a person once: nearly those whom it does.
        for told, planned in zip((one.plan_only, one.rule_only), alone, strict=True):
            assert told == pytest.approx(planned.sum(), rel=0.05, abs=3)
        assert one.expected.low <= one.expected.value <= one.expected.high
        # Six thousand customers tell no rule from another, and it is said.
        assert one.verdict in (RuleVerdict.SAME, RuleVerdict.UNREADABLE, RuleVerdict.UNTOLD)
        assert "size" in one.sentence.en
    for read in found.values():
        assert reading_of(json.loads(json.dumps(plain_reading(read)))) == read


def test_a_round_of_before_rules_is_pooled_but_says_nothing_of_them(
    small: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, earlier = small.open, ROUND + 1
    monkeypatch.setattr(bank.lake, "clock", FixedClock(bank.clock.now() + timedelta(days=90)))
    alone = read_rounds(bank, system(), "keep-deposits", (ROUND,), keep=False)
    assert alone.rules
    population, found, plans = reading.round_population, reading.campaign_outcomes, reading.read_plans
    for name, served in {
        "round_population": lambda connection, name, _, *more: population(connection, name, ROUND, *more),
        "campaign_outcomes": lambda bank, connection, lock, decided, round_: replace(
            found(bank, connection, lock, decided, ROUND), round=round_
        ),
        "read_plans": lambda connection: [
            *plans(connection),
            *(replace(one, summary={"round": earlier}) for one in plans(connection)),
        ],
    }.items():
        monkeypatch.setattr(reading, name, served)
    pooled = read_rounds(bank, system(), "keep-deposits", (earlier, ROUND), keep=False)
    assert pooled.rounds == (earlier, ROUND)
    assert pooled.rules == alone.rules
    assert read_rounds(bank, system(), "keep-deposits", (earlier,), keep=False).rules == ()


@pytest.mark.parametrize(
    ("verdict", "zh", "en"),
    [
        (RuleVerdict.PLAN, "方案更好", "The plan"),
        (RuleVerdict.RULE, "规则更好", "The rule"),
        (RuleVerdict.SAME, "一样的人", "The same people"),
        (RuleVerdict.UNTOLD, "说不清", "Cannot be told"),
        (RuleVerdict.UNREADABLE, "说不清", "Cannot be told"),
    ],
)
def test_what_was_expected_and_what_was_measured_stand_side_by_side(
    small: SmallBank, verdict: RuleVerdict, zh: str, en: str
) -> None:
    read = replace(kept(small)["keep-deposits"], rules=(replace(RULE, verdict=verdict),))
    table = measured_table([read], {"keep-deposits": Text("承接", "Keep")})
    assert [len(row) for row in table.rows] == [len(table.columns)]
    said = [cell.text for cell in table.rows[0]]
    assert (said[1].zh, said[1].en) == (zh, en)
    assert said[3].en == "+¥90.00k [¥10.00k, ¥170.0k]"
    assert said[2].en == "−¥50.00k [−¥90.00k, −¥10.00k]"
    assert said[4].en == "900 (850) · 880 (120)"
    unread = measured_table([replace(read, rules=(replace(RULE, measured=None),))], {"keep-deposits": said[0]})
    assert unread.rows[0][2].text.en == "—"


def test_page_report_and_files_show_the_rules_measured_in_both_languages(small: SmallBank) -> None:
    titles = {name: lock.campaign.title.text for name, lock in small.window.locks.items()}
    found = kept(small)
    page = results_page(list(found.values()), titles)
    assert len(page.rules.rows) == sum(len(one.rules) for one in found.values())
    assert not [text for text in texts_of(page.rules) if CHINESE.search(text.en)]
    book = results_book(page)
    assert "measured_rules" in book_plain(book)["tables"]
    told = [[Told(one.campaign, one, 0.0) for one in found.values()]]
    report = html_report(replace(small.story, rounds=told, pooled={}))
    for language, caption in (
        (Language.ZH, "方案与自己的规则：实测"),
        (Language.EN, "The plan and your own rules, measured"),
    ):
        assert caption in book_html(book, language)
        assert caption in report
    before = results_page([replace(one, rules=()) for one in found.values()], titles)
    assert "measured_rules" not in book_plain(results_book(before))["tables"]


def test_the_command_prints_them(
    small: SmallBank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading = replace(kept(small)["keep-deposits"], rules=(RULE,))
    monkeypatch.setattr("bankloop.wiring.open_bank", lambda *_: nullcontext(small.open))
    monkeypatch.setattr(commands, "permit", lambda *_, **__: None)
    monkeypatch.setattr("bankloop.loop.run.evaluate", lambda *_: reading)
    commands.evaluate(Path("keep-deposits"), rounds=[ROUND], as_json=True)
    told = capsys.readouterr()
    plain: dict[str, Any] = json.loads(told.out.strip().splitlines()[-1])
    (rule,) = plain["rules"]
    assert (rule["rule"], rule["verdict"], rule["rounds_needed"]) == ("churn", "rule", 1)
    assert rule["measured"] == {"value": -5e6, "low": -9e6, "high": -1e6}
    assert rule["title"] == {"zh": "流失高的先", "en": "Churn first"}
