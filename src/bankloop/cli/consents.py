"""Commands on what customers allow, and on what they may ask of their data: consent, do-not-contact, copy, erasure."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bankloop.cli.customers import Number, Reason, acting_in, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, language, say, show_table
from bankloop.cli.who import acting, permit
from bankloop.kit.errors import InputError
from bankloop.kit.ids import canonical_json
from bankloop.kit.text import Text
from bankloop.kit.wording import system_reason
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.customer.consent import ConsentStanding
    from bankloop.customer.subject import ErasurePlan

_HERE = Path()
Evidence = Annotated[
    list[str] | None, typer.Option("--evidence", help="凭证 键=值，如 form=M-1 proof=录音号 / evidence as key=value")
]


def consent(
    number: Number,
    give: Annotated[
        str | None, typer.Option("--give", help="同意的用途，或设置的停止 / purpose allowed, or stop set")
    ] = None,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", help="撤回的用途，或解除的停止 / purpose withdrawn, or stop lifted")
    ] = None,
    channel: Annotated[str, typer.Option("--channel", help="渠道；* 为全部 / channel; * is all")] = "*",
    recipient: Annotated[str, typer.Option("--recipient", help="接收方 / recipient")] = "bank",
    origin: Annotated[str, typer.Option("--origin", help="在哪里说的 / where it was said")] = "counter",
    evidence: Evidence = None,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """查看或记录客户的同意、撤回与停止；立即对所有渠道和计划生效。Show or record consents and stops; effective at once everywhere."""
    from bankloop.customer.consent import record_word, standing_of

    purpose = give or withdraw
    with opened_in(bank, as_, "consent.record" if purpose else "consent.read") as (opened, connection):
        if purpose is None:
            _show(standing_of(connection, number), {}, as_json)
            return
        done = record_word(
            connection, number, purpose, give is not None, origin=origin, evidence=_pairs(evidence), channel=channel,
            recipient=recipient, lake=opened.lake,
        )  # fmt: skip
    _show(done.standing, {"changed": done.changed, "tasks_called_off": done.tasks}, as_json)


def dnc(
    number: Number,
    reason: Reason = "",
    evidence: Evidence = None,
    run: Annotated[bool, typer.Option("--run", help="执行已批准的移出 / do what was approved")] = False,
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """申请把客户移出禁拨名单；批准后用 --run 执行。Ask that a customer leave the do-not-contact list; --run once approved."""
    from bankloop.customer.consent import ask_removal, remove_from_list

    with acting_in(bank, as_, "dnc_removal.run" if run else "dnc_removal.submit") as connection:
        if run:
            done = remove_from_list(connection, number)
            _show(done.standing, {"changed": done.changed}, as_json)
            return
        request = ask_removal(connection, number, _pairs(evidence), reason)
    show_table(number, ["申请 / request"], [[request]])
    finish({"customer": number, "request": str(request)}, as_json)


def export(
    number: Number,
    reason: Reason = "",
    to: Annotated[Path | None, typer.Option("--to", help="写到哪个文件 / the file to write")] = None,
    bank: Folder = _HERE,
    as_: Person = "steward",
    as_json: AsJson = False,
) -> None:
    """申请把本人数据副本交给客户；批准后用 --to 写出。Ask for a person's copy of their data; --to writes it once approved."""
    from bankloop.customer.subject import ask_export, export_person

    if to is None:
        with acting_in(bank, as_, "export.submit") as connection:
            request = ask_export(connection, number, reason)
        show_table(number, ["申请 / request"], [[request]])
        finish({"customer": number, "request": str(request)}, as_json)
        return
    with opened_in(bank, as_, "export.run") as (opened, connection):
        copy = export_person(connection, opened.lake, number)
        _write_private(to, copy)  # where it cannot be written, nothing was done
    counts = {part: len(rows) for part, rows in copy.items() if isinstance(rows, list)}
    show_table(str(to), list(counts), [list(counts.values())])
    finish({"customer": number, "file": str(to), "parts": counts}, as_json)


def erase(
    customer: Number,
    bank: Folder = _HERE,
    as_: Person = "steward",
    reason: Reason = "",
    run: Annotated[bool, typer.Option("--run", help="执行已批准的清除 / do what was approved")] = False,
    as_json: AsJson = False,
) -> None:
    """申请清除客户个人信息；批准后用 --run 执行：到期的清除，法定保存的停用。Ask for erasure; --run once approved."""
    from bankloop.customer.subject import erase_person
    from bankloop.organization.erasure import ask_erasure
    from bankloop.organization.principals import system
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        if run:
            permit(opened.store, "erasure.run")
            with opened.store.begin(system("erasure")) as connection:
                done = erase_person(connection, opened.lake, bank, customer)
            _show_plan(done.plan)
            finish(
                {"customer": customer, "erased": dict(done.gone), "stops": done.stops, "plan": _plain(done.plan)},
                as_json,
            )
            return
        with opened.store.begin(acting(opened.store, as_, "quality")) as connection:
            request = ask_erasure(connection, customer, reason)
    show_table(customer, ["申请 / request"], [[request]])
    finish({"customer": customer, "request": str(request)}, as_json)


def _pairs(given: list[str] | None) -> dict[str, str]:
    return dict(one.partition("=")[::2] for one in given or [])


def _show(found: ConsentStanding, more: Mapping[str, Any], as_json: bool) -> None:
    from bankloop.customer.consent import content_for, may_contact, title_of

    ruling = may_contact(found.words, "*")
    words = [
        {"purpose": w.purpose.value, "channel": w.channel, "recipient": w.recipient, "stands": w.stands, "said_at": w.said_at.isoformat()}
        for w in found.words
    ]  # fmt: skip
    rows = [[title_of(w).say(language()), "✓" if w.stands else "—", f"{w.said_at:%Y-%m-%d %H:%M}"] for w in found.words]
    show_table(found.customer_no, ["用途 / purpose", "现在 / now", "时间 / said"], rows)
    say(ruling.reason.say(language()))
    shown = content_for(found.words).value
    finish(
        {"customer": found.customer_no, "words": words, "marketing": ruling.allowed, "content": shown, **more}, as_json
    )


def _show_plan(plan: ErasurePlan) -> None:
    rows = [[r.category, r.fate.value, r.until or "", r.reason.say(language())] for r in plan.rulings]
    show_table(plan.customer_no, ["类别 / category", "处理 / fate", "至 / until", "依据 / basis"], rows)


def _plain(plan: ErasurePlan) -> list[dict[str, Any]]:
    return [
        {"category": r.category, "fate": r.fate.value, "until": r.until.isoformat() if r.until else None, "basis": r.reason.en}
        for r in plan.rulings
    ]  # fmt: skip


def _write_private(to: Path, copy: Mapping[str, Any]) -> None:
    """Write a file that only its owner can read; an existing one is not overwritten."""
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(
            "subject.file",
            Text("写不了 {path}（{reason}）；请给一个还不存在、可写的文件", "cannot write {path} ({reason}); name a file that does not exist yet, in a folder you may write"),
            path=to, reason=system_reason(error),
        ) from error  # fmt: skip
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(json.loads(canonical_json(copy)), file, ensure_ascii=False, indent=1)


COMMANDS: dict[str, Callable[..., None]] = {"consent": consent, "dnc": dnc, "export": export, "erase": erase}
