"""Commands of approval: submit, approve, return, recall, schedule, pause, resume, kill, close, approvals, expire."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.campaigns import show_failures
from bankloop.cli.following import say_consent, say_following
from bankloop.cli.names import campaign_names
from bankloop.cli.screen import AsJson, Folder, Person, finish, language, show_table, tell
from bankloop.cli.who import acting
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.organization.approval import Approval, ApprovalView, Attachment

_HERE = Path()
Name = Annotated[str, typer.Argument(help="战役 / campaign", autocompletion=campaign_names)]
Comment = Annotated[str, typer.Option("--comment", help="意见 / what to say about it")]
Reason = Annotated[str, typer.Option("--reason", help="原因 / why")]
Files = Annotated[list[Path] | None, typer.Option("--attach", help="附件 / a document beside the opinion")]
# The file's longest sentence that a terminal shows of a change.
_SHOWN = 60


def submit(
    name: Name,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    emergency: Annotated[bool, typer.Option("--emergency", help="紧急通道 / the emergency path")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """提交战役（解析成锁），或 script|benefit|budget/名称。Submit a campaign as its lock, or a part of one as KIND/NAME."""
    from bankloop.loop.campaign import approving
    from bankloop.loop.campaign.parts import submit_part
    from bankloop.organization.approval import STAGES, approval_by_id
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, "campaign")
        if "/" in name:
            kind, _, key = name.partition("/")
            part = submit_part(opened, person, kind, key, reason)
            show_table(name, ["申请 / request"], [[part]])
            finish({"part": name, "request": str(part)}, as_json)
            return
        lock, request = approving.submit(opened, person, name, emergency=emergency, reason=reason)
        with opened.store.begin(person) as connection:
            asked = approval_by_id(connection, request)
    route = [str(stage) for stage in asked.route]
    stages = " → ".join(STAGES[stage].say(language()) for stage in asked.route)
    rows: list[list[object]] = [
        [Text("锁", "lock"), lock.digest[:16]],
        [Text("申请", "request"), request],
        [Text("要谁同意", "consents"), stages],
    ]
    show_table(name, ["", ""], rows)
    say_consent(asked, bank)
    finish({"campaign": name, "lock": lock.digest, "request": str(request), "route": route}, as_json)


def approve(
    name: Name,
    bank: Folder = _HERE,
    as_: Person = "checker",
    model: Annotated[bool, typer.Option("--model", help="批准模型 / approve the model")] = False,
    comment: Comment = "",
    attach: Files = None,
    as_json: AsJson = False,
) -> None:
    """给出正在等待的那一环同意。Give the consent that a campaign waits for, with --model its model, or KIND/NAME anything."""
    kind = "model/" if model else "" if "/" in name else "campaign/"
    _decide(f"{kind}{name}", bank, as_, "pass", comment, as_json, [_attachment(file) for file in attach or ()])


def send_back(
    name: Name, comment: Comment, bank: Folder = _HERE, as_: Person = "checker", as_json: AsJson = False
) -> None:
    """退回申请并写明意见，回到草稿。Send a campaign, or KIND/NAME, back to its maker with comments."""
    _decide(name if "/" in name else f"campaign/{name}", bank, as_, "return", comment, as_json)


def recall(
    name: Name, bank: Folder = _HERE, as_: Person = "strategist", reason: Reason = "", as_json: AsJson = False
) -> None:
    """经办人撤回已提交的战役。Take a submitted campaign back as its maker."""
    _move("recall_campaign", name, bank, as_, "campaign", as_json, reason)


def schedule(
    name: Name,
    on: Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="起始日 / first day")],
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """为已批准的战役排期。Set the day from which an approved campaign may run."""
    _move("schedule_campaign", name, bank, as_, "campaign", as_json, date(on.year, on.month, on.day))


def pause(
    name: Name, reason: Reason, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False
) -> None:
    """暂停战役，排队的触达先不发。Pause a campaign; what is queued of it waits."""
    _move("pause_campaign", name, bank, as_, "campaign", as_json, reason)


def resume(
    name: Name, bank: Folder = _HERE, as_: Person = "strategist", reason: Reason = "", as_json: AsJson = False
) -> None:
    """恢复暂停的战役。Let a paused campaign go on."""
    _move("resume_campaign", name, bank, as_, "campaign", as_json, reason)


def kill(name: Name, reason: Reason, bank: Folder = _HERE, as_: Person = "compliance", as_json: AsJson = False) -> None:
    """合规随时叫停战役，排队的不再发出。Stop a campaign for good, as compliance: nothing queued goes out."""
    _move("kill_campaign", name, bank, as_, "review", as_json, reason)


def close(
    name: Name, bank: Folder = _HERE, as_: Person = "strategist", reason: Reason = "", as_json: AsJson = False
) -> None:
    """结束本轮，带着来历起草下一轮。End a campaign's round and draft the next from it."""
    from bankloop.loop.campaign.approving import close_campaign
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        following = close_campaign(opened, acting(opened.store, as_, "campaign"), name, reason)
    show_table(name, ["下一轮 / next round"], [[following]])
    say_following("close", bank, campaign=name)
    finish({"campaign": name, "state": "closed", "next_round": following}, as_json)


def list_approvals(
    bank: Folder = _HERE,
    as_: Person = "checker",
    every: Annotated[bool, typer.Option("--all", help="也列出已办结的 / also what is over")] = False,
    as_json: AsJson = False,
) -> None:
    """等待审批的事：改了什么、会有什么效果、轮到谁。List what waits: what changes, what it will do, whose turn it is."""
    from bankloop.organization.approval import approval_view, approvals, approvals_waiting
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, "approval")
        with opened.store.begin(person) as connection:
            found = approvals(connection) if every else approvals_waiting(connection)
            views = [approval_view(connection, one) for one in found]
    if not views:
        tell(Text("没有等待审批的事。", "Nothing waits to be approved."))
    for view in views:
        _show(view)
    finish({"approvals": [plain_view(view) for view in views]}, as_json)


def plain_view(view: ApprovalView) -> dict[str, Any]:
    """Return a request as ``--json`` prints it."""
    one = view.approval
    return {
        "request": str(one.approval_id),
        "kind": one.kind,
        "object": one.object_id,
        "digest": one.digest,
        "state": one.state,
        "lane": one.lane,
        "emergency": one.emergency,
        "maker": one.maker,
        "stages": [{"stage": s.stage, "done": s.done, "now": s.now, "person": s.person} for s in view.stages],
        "changes": [{"place": c.place, "before": c.before, "after": c.after} for c in view.changes],
        "effect": {fact.title.en: fact.value.en for fact in view.effect},
        "may": list(view.may),
    }


def _show(view: ApprovalView) -> None:
    speaks = language()
    rows = [
        [s.title.say(speaks), "✓" if s.done else "▸" if s.now else "", s.person or "", s.comment] for s in view.stages
    ]
    title = f"{view.title.say(speaks)} · {view.state.say(speaks)} · {view.lane.say(speaks)}"
    show_table(title, ["环节 / stage", "", "谁 / who", "意见 / comment"], rows)
    effect = [[f.title.say(speaks), f.value.say(speaks)] for f in view.effect]
    if effect:
        show_table("预计效果 / predicted effect", ["", ""], effect, right=[1])
    changes = [[c.place, (c.before or "—")[:_SHOWN], (c.after or "—")[:_SHOWN]] for c in view.changes]
    if changes and view.approval.base_digest:
        show_table("改动 / changes", ["", "原 / before", "现 / after"], changes)


def _move(verb: str, name: str, bank: Path, as_: str, purpose: str, as_json: bool, *arguments: Any) -> None:

    from bankloop.loop.campaign import approving
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        person = acting(opened.store, as_, purpose)
        found = getattr(approving, verb)(opened, person, name, *arguments)
    _said(found, as_json, bank)


def _decide(
    name: str,
    bank: Path,
    as_: str,
    act: str,
    comment: str,
    as_json: bool,
    documents: Sequence[Attachment] = (),
) -> None:
    """Pass or send back whatever is asked for, such as ``erasure/C0000001``, as who gives the consent that waits."""
    from bankloop.kit.errors import NotFoundError
    from bankloop.organization.approval import Stage, approval_of, effects_of, next_stage
    from bankloop.organization.principals import system
    from bankloop.wiring import open_bank
    from bankloop.work.approvals import decide

    kind, _, object_id = name.partition("/")
    with open_bank(bank, bank_clock(bank)) as opened:
        with opened.store.begin(system("cli")) as connection:
            request = approval_of(connection, kind, object_id)
        seen = request is not None and next_stage(request) in (Stage.CONSUMER, Stage.COMPLIANCE)
        person = acting(opened.store, as_, "review" if seen else "approval")
        if request is None:
            raise NotFoundError(
                "approval.none",
                Text("没有 {name} 的审批申请；先提交", "nothing is asked for {name}; submit it first"),
                name=name,
            )
        decided = decide(opened, person, request.approval_id, act, comment, documents)
    if decided.approval.granted:
        tell(f"✓ {effects_of(kind).says.say(language())}")
    show_failures([{"part": one.key, "zh": one.reason.zh, "en": one.reason.en} for one in decided.carried.failures])
    _said(decided.approval, as_json, bank)


def _attachment(file: Path) -> Attachment:
    from bankloop.organization.approval import Attachment

    return Attachment(file.name, hashlib.sha256(file.read_bytes()).hexdigest())


def _said(found: Approval, as_json: bool, bank: Path) -> None:
    from bankloop.organization.approval import STATES

    done = f"{found.passed}/{len(found.route)}"
    show_table(found.object_id, ["状态 / state", "环节 / consents"], [[STATES[found.state].say(language()), done]])
    say_consent(found, bank)
    finish(
        {
            "campaign": found.object_id,
            "request": str(found.approval_id),
            "state": found.state,
            "passed": found.passed,
            "of": len(found.route),
        },
        as_json,
    )


COMMANDS = {
    "submit": submit,
    "approve": approve,
    "return": send_back,
    "recall": recall,
    "schedule": schedule,
    "pause": pause,
    "resume": resume,
    "kill": kill,
    "close": close,
    "approvals": list_approvals,
}
