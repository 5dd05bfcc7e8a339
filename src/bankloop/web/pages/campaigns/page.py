"""A campaign's page: the eight steps with their gates, the lock, the audience, the wording, the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bankloop.kit.text import Text
from bankloop.loop.audience import EXCLUSIONS
from bankloop.loop.campaign.gates import GateFacts, StepGate, gates_of
from bankloop.loop.campaign.parts import TITLES as PARTS
from bankloop.loop.campaign.parts import parts_of
from bankloop.loop.campaign.parts import standing_of as parts_standing
from bankloop.loop.offering.shelf import shelf_of
from bankloop.loop.reach import actions_of
from bankloop.loop.script import check_wording
from bankloop.loop.spec import Lock
from bankloop.organization.approval import acts_of, approval_of
from bankloop.organization.rights import ROLES
from bankloop.report.plan import falls_of, waterfall_picture
from bankloop.report.record import action_title
from bankloop.report.story import card_table, effect_table
from bankloop.store.contracts import CampaignRow, StepState
from bankloop.store.registry import champion, list_campaigns, read_models, read_snapshot, read_steps
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Picture, StepKind, Table, Tone, WaterfallStep
from bankloop.web.shell import errors
from bankloop.web.shell.console import Console
from bankloop.web.shell.texts import FALLS, IN_FORCE, STATES, STEPS

PART_STATES: Mapping[str, Text] = {
    "": Text("没有单独送审", "not asked for on its own"),
    "changed": Text("批准过的是另一个版本", "what was asked for was another content"),
}


@dataclass(frozen=True, slots=True)
class StepView:
    """One of the eight steps: its state, what it gave, who answers for its gate."""

    title: Text
    state: str
    said: Text
    owner: Text


@dataclass(frozen=True, slots=True)
class GateView:
    """One gate as a row: the step, what it asks, who answers for it, and what it waits for or who opened it when."""

    title: Text
    asks: Text
    owner: Text
    open: bool
    now: bool
    said: Text


@dataclass(frozen=True, slots=True)
class PartView:
    """A script, benefit or budget of the campaign as the files have it: what is said of its own approval, who may ask for it."""

    kind: str
    key: str
    title: Text
    said: Text
    approved: bool
    needed: bool


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """One campaign in one round."""

    name: str
    title: Text
    state: Text
    approved: bool
    round: int
    rounds: tuple[int, ...]
    maker: str
    lock: str | None
    expression: str
    steps: tuple[StepView, ...]
    gates: tuple[GateView, ...]
    before: tuple[int, str] | None
    waterfall: Picture | None
    falls: Table | None
    plan_id: str | None
    scripts: Table
    card: Table | None
    effects: Table | None
    models: Table
    lessons: Table | None = None
    parts: tuple[PartView, ...] = ()


def campaign_page(console: Console, name: str, round_: int | None) -> CampaignPage:
    """Return the page of a campaign, of its present round unless another is asked for."""
    titles = console.titles()
    if name not in titles:
        raise errors.no_campaign(name)
    with console.reading() as connection:
        row = next((one for one in list_campaigns(connection) if one.name == name), None)
        row = row or CampaignRow(name, "draft", None, 0, "—")
        shown = row.round if round_ is None else round_
        if not 0 <= shown <= row.round:
            raise errors.no_choice("round", str(shown), ", ".join(str(r) for r in range(1, row.round + 1)))
        steps = read_steps(connection, name, shown)
        following = read_steps(connection, name, shown + 1)
        snapshot, now = read_snapshot(connection, name, shown), champion(connection, name)
        models = read_models(connection, name)
        parts = _parts(console, connection, name)
        facts = _facts(console, connection, row, parts, frozenset(s for s in steps if steps[s].state == "done"))
    gates = gates_of(facts)
    lock = console.lock(row.lock_digest) if row.lock_digest else None
    campaign = lock.campaign if lock else console.bank.spec.campaigns[name]
    plan_id = next(
        (str(p.plan_id) for p in console.stored_plans() if p.summary.get("round") == shown and name in p.campaigns),
        None,
    )
    found = _steps_of(console, plan_id, name) or (_stored_steps(snapshot.waterfall) if snapshot else ())
    return CampaignPage(
        name=name,
        title=titles[name],
        state=STATES.get(row.state, say.same(row.state)),
        approved=row.state in IN_FORCE,
        round=shown,
        rounds=tuple(range(1, row.round + 1)),
        maker=row.maker,
        lock=row.lock_digest,
        expression=campaign.audience,
        steps=_steps(steps, lock, gates),
        gates=_gates(gates, ZoneInfo(console.bank.lake.zone)),
        before=_before(steps),
        waterfall=waterfall_picture(name, titles[name], found) if found else None,
        falls=_falls(found) if found else None,
        plan_id=plan_id,
        scripts=_scripts(console, lock, campaign.scripts),
        card=card_table({name: now.card}, titles) if now else None,
        effects=effect_table(now.card, _action_names(lock)) if now and lock else None,
        models=_models([(m.version, m.kind, m.card, m.state) for m in models]),
        lessons=_lessons({**steps, **following}),
        parts=parts,
    )  # fmt: skip


def _parts(console: Console, connection: Connection, name: str) -> tuple[PartView, ...]:
    """What the campaign in the files is made of; nothing of a campaign that the files no longer have."""
    spec = console.bank.spec
    if name not in spec.campaigns:
        return ()
    campaign = spec.campaigns[name]
    benefits = [spec.benefits[key] for key in campaign.benefits if key in spec.benefits]
    found = parts_of(campaign, spec.products, benefits, [spec.scripts[key] for key in campaign.scripts])
    return tuple(
        PartView(
            part.kind, part.key, PARTS[part.kind], PART_STATES.get(state) or STATES.get(state, say.same(state)), state == "approved",
            part.kind in spec.policies.approval.own,
        )
        for part, state in parts_standing(connection, found)
    )  # fmt: skip


def _lessons(found: Mapping[str, StepState]) -> Table | None:
    """What the last round taught the next draft, step by step; None where none was closed yet."""
    rows = tuple(
        (Cell(title), Cell(Text(**one)))
        for step, title in STEPS.items()
        if step in found
        for one in found[step].detail.get("learned", ())
    )
    columns = (Column(Text("环节", "Step")), Column(Text("上一轮说明了什么", "What the last round showed")))
    return (
        Table("lessons", Text("下一轮草稿：改什么，为什么", "The next draft: what to change, and why"), columns, rows)
        if rows
        else None
    )


def _steps_of(console: Console, plan_id: str | None, name: str) -> tuple[WaterfallStep, ...]:
    record = console.record(plan_id) if plan_id else None
    one = next((c for c in record.campaigns if c.name == name), None) if record else None
    return falls_of(one) if one else ()


def _stored_steps(waterfall: Mapping[str, Any]) -> tuple[WaterfallStep, ...]:
    """The frozen snapshot's own waterfall, where no plan detail was kept."""
    names = {e.code: e.title for e in EXCLUSIONS} | dict(FALLS)
    falls = [WaterfallStep(names.get(code, say.same(code)), int(n)) for code, n in waterfall["falls"].items()]
    start = WaterfallStep(Text("目标客群", "Audience"), int(waterfall["hit"]), StepKind.START)
    return (start, *falls, WaterfallStep(Text("可触达", "Usable"), int(waterfall["usable"]), StepKind.END))


def _falls(found: tuple[WaterfallStep, ...]) -> Table:
    rows = tuple((Cell(step.label), Cell(say.count(step.count), drill=step.drill)) for step in found)
    columns = (Column(Text("原因", "Reason")), Column(Text("人数", "Customers"), number=True))
    return Table("falls", Text("逐条原因，合计相符", "Reason by reason; it sums exactly"), columns, rows)


def _facts(
    console: Console, connection: Connection, row: CampaignRow, parts: tuple[PartView, ...], done: frozenset[str]
) -> GateFacts:
    """Gather what the gates are judged by, as it is on record now."""
    request, model = approval_of(connection, "campaign", row.name), approval_of(connection, "model", row.name)
    spec = console.bank.spec
    campaign = spec.campaigns.get(row.name)
    shelf = shelf_of(connection)
    sold = [spec.products[key] for key in campaign.products if key in spec.products] if campaign else []
    return GateFacts(
        champion=champion(connection, row.name) is not None,
        model_by=(model.checker or "") if model is not None and model.granted else "",
        request=request,
        acts=acts_of(connection, request.approval_id) if request else (),
        locked=row.lock_digest is not None,
        off_shelf=[one.key for one in sold if not shelf.of(one).available.on],
        parts={f"{part.kind}/{part.key}": part.approved for part in parts if part.needed},
        done=done,
    )


def _gates(found: Sequence[StepGate], zone: ZoneInfo) -> tuple[GateView, ...]:
    at = next((gate.step for gate in found if not gate.open), None)
    return tuple(
        GateView(
            STEPS[gate.step], gate.asks, ROLES[gate.owner].title, gate.open, gate.step == at, _gate_said(gate, zone)
        )
        for gate in found
    )


def _gate_said(gate: StepGate, zone: ZoneInfo) -> Text:
    if gate.open:
        when = f" {gate.at.astimezone(zone):%Y-%m-%d %H:%M}" if gate.at else ""
        return say.same(f"{gate.by}{when}") if gate.by else Text("系统按规则判定", "judged by the rule")
    return gate.waits or Text("等前一环节", "the step before")


def _before(stored: Mapping[str, StepState]) -> tuple[int, str] | None:
    """Return the round that a round was drafted from and its lock; None for the first."""
    made = next((one.detail["from"] for one in stored.values() if "from" in one.detail), None)
    return (int(made["round"]), str(made["lock"])) if made else None


def _steps(stored: Mapping[str, StepState], lock: Lock | None, gates: Sequence[StepGate]) -> tuple[StepView, ...]:
    seen = [step for step in STEPS if step in stored and stored[step].state == "done"]
    after = next((step for step in STEPS if step not in seen), None)
    owners = {gate.step: ROLES[gate.owner].title for gate in gates}
    return tuple(
        StepView(
            title,
            "done" if step in seen else "now" if step == after and lock else "later",
            _said(step, stored[step].detail, lock) if step in stored else STATES["waiting"],
            owners[step],
        )
        for step, title in STEPS.items()
    )


def _said(step: str, detail: Mapping[str, Any], lock: Lock | None) -> Text:
    """What a step gave, in a few words."""
    match step:
        case "model":
            return (
                Text("因果模型", "causal model") if detail.get("causal") else Text("倾向 × 先验", "propensity × prior")
            )
        case "audience":
            return Text(f"可触达 {detail.get('usable', 0):,}", f"{detail.get('usable', 0):,} usable")
        case "product":
            most = max(detail.values(), default=0)
            return Text(f"{len(detail)} 个，{most:,} 人可用", f"{len(detail)}, open to {most:,}")
        case "benefit":
            return (
                Text(f"{sum(detail.values()):,} 份", f"{sum(detail.values()):,} granted")
                if detail
                else Text("不附权益", "none")
            )
        case "script":
            said = " · ".join(f"v{version}" for version in detail.values())
            return Text(f"{said} 已审", f"{said} approved")
        case "reach":
            return Text(f"{detail.get('reached', 0):,} 人", f"{detail.get('reached', 0):,} reached")
        case "evaluate":
            verdict = str(detail.get("verdict", ""))
            names = {
                "gain": Text("显著", "significant"),
                "harm": Text("有害", "harm"),
                "inconclusive": Text("尚无结论", "inconclusive"),
                "unreadable": Text("不可读", "unreadable"),
            }
            return names.get(verdict, say.same(verdict))
        case _:
            for alert in detail.get("alerts", {}).values():
                return Text(**alert["said"])
            return Text(f"留出 {detail.get('rows', 0):,} 行比较", f"compared on {detail.get('rows', 0):,}")  # fmt: skip


def _action_names(lock: Lock | None) -> dict[str, Text]:
    return {action.key: action_title(lock, action) for action in actions_of(lock)} if lock else {}


def _scripts(console: Console, lock: Lock | None, keys: tuple[str, ...]) -> Table:
    scripts = lock.scripts if lock else tuple(console.bank.spec.scripts[key] for key in keys)
    channels = lock.policies.channels if lock else console.bank.spec.policies.channels
    rows = []
    for script in scripts:
        for version in script.versions:
            for channel, body in version.bodies.items():
                findings = [f.sentence for text in (body.zh, body.en) for f in check_wording(text)]
                none = Text("无禁用语", "No forbidden wording")
                rows.append((
                    Cell(say.same(f"{script.script} v{version.version}")),
                    Cell(channels[channel].title.text if channel in channels else say.same(channel)),
                    Cell(STATES.get(version.state, say.same(version.state)), Tone.GOOD if version.state == "approved" else Tone.PLAIN, tag=True),
                    Cell(body.text),
                    Cell(findings[0], Tone.BAD) if findings else Cell(none, Tone.GOOD, tag=True),
                ))  # fmt: skip
    columns = (
        Column(Text("话术", "Script")),
        Column(Text("渠道", "Channel")),
        Column(Text("状态", "State")),
        Column(Text("正文", "Body")),
        Column(Text("用语检查", "Wording")),
    )
    return Table("scripts", Text("话术与用语检查", "Scripts and wording"), columns, tuple(rows))


def _models(found: list[tuple[int, str, Mapping[str, Any], str]]) -> Table:
    rows = tuple(
        (
            Cell(say.same(f"v{version}")),
            Cell(STATES.get(state, say.same(state)), Tone.ACCENT if state == "champion" else Tone.PLAIN, tag=True),
            Cell(Text("因果", "causal") if card.get("causal") else Text("尚非因果", "not yet causal")),
            Cell(say.same(f"{card['auc']:.3f}")),
            Cell(say.same(f"{card['lift_at_10']:.2f}×")),
            Cell(say.same(f"{card['psi']:.2f}")),
        )
        for version, _, card, state in found
    )
    columns = (
        Column(Text("版本", "Version")),
        Column(Text("状态", "State")),
        Column(Text("效力", "Standing")),
        Column(say.same("AUC"), number=True),
        Column(say.same("lift@10%"), number=True),
        Column(say.same("PSI"), number=True),
    )
    return Table("versions", Text("模型版本", "Model versions"), columns, rows)
