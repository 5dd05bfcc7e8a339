"""What a branch narrows by itself, as the war room shows it: the rules in force, head office's limit, and the form's choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bankloop.kit.errors import InputError
from bankloop.kit.grammar import read_amount
from bankloop.kit.text import Text
from bankloop.loop.campaign.branch_rule import most_a_week
from bankloop.organization.branch_rule import Narrowing, narrowings
from bankloop.organization.people import units
from bankloop.store.contracts import Principal
from bankloop.view import format as say
from bankloop.web.shell.console import Console
from bankloop.web.shell.tree import sees

EVERY_BENEFIT = "*"
_BRANCHES = ("branch", "sub_branch")


@dataclass(frozen=True, slots=True)
class OwnRules:
    """Rules with their sentence, the units that may have one, the campaigns and benefits, what head office allows.

    ``left`` are the benefits that campaigns leave to branches, each with the campaigns and their frame.
    """

    rows: tuple[tuple[Narrowing, Text], ...]
    units: tuple[tuple[str, Text], ...]
    campaigns: Mapping[str, Text]
    benefits: Mapping[str, Text]
    most: int | None
    limit: Text
    left: Mapping[str, Text] = field(default_factory=dict)


def own_rules(console: Console, principal: Principal) -> OwnRules:
    """Return the rules that somebody sees and what they may narrow."""
    titles, most = console.titles(), most_a_week(console.bank.spec.policies)
    with console.bank.store.begin(principal) as connection:
        tree = {unit.unit_id: unit for unit in units(connection)}
        found = narrowings(connection)
    names = {name: one.name for name, one in tree.items()}
    benefits = {key: one.title.text for key, one in console.bank.spec.benefits.items()}
    rows = tuple((one, _said(one, names, titles, benefits)) for one in found)
    mine = tuple((name, one.name) for name, one in tree.items() if one.kind in _BRANCHES and sees(principal, name))
    limit = Text(f"总行每周至多 {most} 次。", f"Head office allows {most} a week.")
    return OwnRules(rows, mine, titles, benefits, most, limit, _left(console, titles, benefits))


def per_week_of(words: str) -> int | None:
    """Return the cap that a form asks for; None where it asks for none."""
    if not words.strip():
        return None
    try:
        return int(words)
    except ValueError:
        raise InputError(
            "narrowing.per_week",
            Text("每周上限要写整数，如 2", "the cap a week is a whole number such as 2"),
        ) from None


def withheld_of(console: Console, words: str) -> list[str]:
    """Return the benefits that a form withholds: none, one, or every one there is."""
    if words == EVERY_BENEFIT:
        return sorted(console.bank.spec.benefits)
    return [words] if words else []


def added_of(benefit: str, yuan: str) -> dict[str, int]:
    """Return what a form adds: one benefit and its money a window, fen; nothing where it names none."""
    return {benefit: read_amount(yuan)} if benefit else {}


def _left(console: Console, titles: Mapping[str, Text], benefits: Mapping[str, Text]) -> dict[str, Text]:
    frames = dict[str, list[tuple[Text, str]]]()
    for name, campaign in console.bank.spec.campaigns.items():
        for key, most in campaign.branch_benefits.items():
            frames.setdefault(key, []).append((titles[name], f"{most / 100:,.2f}"))
    found = {}
    for key, places in frames.items():
        zh = "；".join(f"{title.zh} 每期至多 {most} 元" for title, most in places)
        en = "; ".join(f"{title.en}, at most {most} yuan a window" for title, most in places)
        found[key] = Text(f"{benefits[key].zh}（{zh}）", f"{benefits[key].en} ({en})")
    return found


def _said(one: Narrowing, names: Mapping[str, Text], titles: Mapping[str, Text], benefits: Mapping[str, Text]) -> Text:
    unit, campaign = (
        names.get(one.unit_id, say.same(one.unit_id)),
        titles.get(one.campaign, Text("全部战役", "all campaigns")),
    )
    zh, en = [], []
    if one.condition:
        zh.append(f"只触达 {one.condition}")
        en.append(f"only {one.condition}")
    if one.per_week is not None:
        zh.append(f"每周至多 {one.per_week} 次")
        en.append(f"at most {one.per_week} a week")
    if one.withheld:
        shown = [benefits.get(key, say.same(key)) for key in one.withheld]
        zh.append(f"不提供{'、'.join(benefit.zh for benefit in shown)}")
        en.append(f"without {', '.join(benefit.en for benefit in shown)}")
    for key, money in one.added.items():
        benefit = benefits.get(key, say.same(key))
        zh.append(f"自加{benefit.zh}，每期至多 {money / 100:,.2f} 元")
        en.append(f"adding {benefit.en}, at most {money / 100:,.2f} yuan a window")
    return Text(f"{unit.zh} · {campaign.zh}：{'，'.join(zh)}", f"{unit.en} · {campaign.en}: {', '.join(en)}")
