"""Commands of those who keep a bank running: doctor, backup, restore, keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, show_table
from bankloop.cli.who import acting, permit
from bankloop.kit.clock import SystemClock
from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.store.database import Store
    from bankloop.store.doctor import Finding

_HERE = Path()
# More pools than these are counted, not named.
_MOST_NAMES = 5

keys_group = typer.Typer(
    help="密钥：轮换与换新。Rotate keys and renew what they seal.", no_args_is_help=True, rich_markup_mode=None
)


def doctor(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """体检：配置、迁移、时钟、磁盘、密钥、审计链、备份；每条有位置、原因、办法。Examine a bank; exit 1 unless all is well."""
    from bankloop.store.database import open_store
    from bankloop.store.doctor import Finding, examine

    findings = [_configuration(bank)]
    try:
        with open_store(bank, bank_clock(bank)) as store:
            permit(store, "backup.read")
            findings += [*examine(store), _benefits(store), _licences(store)]
    except BankloopError as error:
        findings.append(Finding("database", False, str(bank), error.message, error.message))
    speaks = language()
    rows = [
        [
            "✓" if f.ok else "✗",
            f.check,
            f.reason.say(speaks),
            "" if f.ok else f.place,
            "" if f.ok else f.cure.say(speaks),
        ]
        for f in findings
    ]
    show_table("体检 / doctor", ["", "项 / check", "所见 / found", "位置 / place", "办法 / cure"], rows)
    well = all(f.ok for f in findings)
    plain = [
        {
            "check": f.check,
            "ok": f.ok,
            "place": f.place,
            "reason": {"zh": f.reason.zh, "en": f.reason.en},
            "cure": {"zh": f.cure.zh, "en": f.cure.en},
        }
        for f in findings
    ]
    finish({"ok": well, "findings": plain}, as_json)
    if not well:
        raise typer.Exit(1)


def _benefits(store: Store) -> Finding:
    """Return which budgets and stocks of benefits come to their end: a word in time, and no fault."""
    from bankloop.benefit.grants import pools
    from bankloop.organization.principals import system
    from bankloop.report.pools import KINDS
    from bankloop.store.doctor import Finding

    with store.begin(system("doctor")) as connection:
        near = [one for one in pools(connection) if one.near]
    named, more = near[:_MOST_NAMES], len(near) - _MOST_NAMES
    zh = "、".join(f"{KINDS[one.asset].zh} {one.name}" for one in named) + (f" 等 {len(near)} 个" if more > 0 else "")
    en = ", ".join(f"{KINDS[one.asset].en.lower()} {one.name}" for one in named) + (
        f" and {more} more" if more > 0 else ""
    )
    said = Text(f"剩余不超过一成：{zh}", f"a tenth or less is left of {en}")
    well = Text("没有将尽的权益预算和库存", "no budget or stock of benefits comes to its end")
    cure = Text("bankloop benefit pools 看哪天用完", "bankloop benefit pools says when each is empty")
    return Finding("benefits", True, "ledger", said if near else well, cure)


def backup(
    target: Annotated[Path, typer.Argument(help="新文件夹 / a new folder")],
    bank: Folder = _HERE,
    as_: Person = "sysadmin",
    as_json: AsJson = False,
) -> None:
    """备份整家银行：库的一个快照和属于它的文件；密钥不在其中。Back up the whole bank; keys are never in it."""
    from bankloop import __version__
    from bankloop.store.backup import make_backup
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store:
        made = make_backup(store, acting(store, as_, "administration"), target, __version__)
    show_table(
        str(target),
        ["行 / rows", "文件 / files", "摘要 / digest"],
        [[made.rows, made.files, made.digest[:16]]],
        right=[0, 1],
    )
    finish({"backup": str(target), "rows": made.rows, "files": made.files, "digest": made.digest}, as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="备份文件夹 / folder of the backup")],
    bank: Annotated[Path, typer.Argument(help="新银行文件夹 / folder of the new bank")],
    as_json: AsJson = False,
) -> None:
    """把备份恢复成一家新银行；恢复本身记入审计链。Make the bank of a backup in a new folder; the trail records it."""
    from bankloop.organization.principals import system
    from bankloop.store.backup import restore_backup

    made = restore_backup(source, bank, SystemClock(), system("restore"))
    show_table(
        str(bank), ["行 / rows", "文件 / files", "备份于 / made"], [[made.rows, made.files, made.made_at]], right=[0, 1]
    )
    finish({"bank": str(bank), "rows": made.rows, "files": made.files, "made_at": made.made_at}, as_json)


@keys_group.command("rotate")
@handled
def rotate(bank: Folder = _HERE, as_: Person = "secadmin", as_json: AsJson = False) -> None:
    """换用新密钥；旧密钥仍可解开旧内容。Seal under a new key from now on; old keys go on opening."""
    from bankloop.store.database import open_store
    from bankloop.store.resealing import rotate as rotate_keys

    with open_store(bank, bank_clock(bank)) as store:
        ring = rotate_keys(store, acting(store, as_, "administration"))
    show_table("密钥 / keys", ["现用 / current", "可解 / open"], [[ring.current, ", ".join(sorted(ring.ring))]])
    finish({"current": ring.current, "keys": sorted(ring.ring)}, as_json)


@keys_group.command("renew")
@handled
def renew(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """把旧密钥加密的内容换成新密钥，可随时中断。Seal anew what lies under old keys; killed, it goes on where it was."""
    from bankloop.organization.principals import system
    from bankloop.store.database import open_store
    from bankloop.store.resealing import renew_seals

    with open_store(bank, bank_clock(bank)) as store:
        permit(store, "keys.renew")
        done = renew_seals(store, system("keys"))
    show_table("密钥 / keys", ["换新 / renewed"], [[done]], right=[0])
    finish({"renewed": done}, as_json)


def _licences(store: Store) -> Finding:
    """Licences to sell that have ended are to be renewed: meanwhile their holders take no task of R3 or above."""
    from bankloop.organization.people import TRAINING
    from bankloop.organization.principals import system
    from bankloop.organization.staffing import ending_licences
    from bankloop.store.database import now_of
    from bankloop.store.doctor import Finding

    with store.begin(system("doctor")) as connection:
        today = now_of(connection).date()
        found = [one for one in ending_licences(connection, None, today) if not one.kind.startswith(TRAINING)]
    over = sorted({one.staff_id for one in found if one.expires_on <= today})
    soon = len({one.staff_id for one in found} - set(over))
    return Finding(
        "licences",
        not over,
        ", ".join(over[:5]) or "staff_licence",
        Text(
            f"{len(over)} 人的销售资格已过期，{soon} 人的 30 天内到期",
            f"licences to sell: of {len(over)} people ended, of {soon} end within 30 days",
        ),
        Text(
            "续期后用 bankloop staff license 或 staff licences 登记；在此之前他们的 R3 及以上任务会转给持证同事",
            "renew and record them by bankloop staff license or staff licences; until then their tasks of R3 and above "
            "go to licensed colleagues",
        ),
    )


def _configuration(bank: Path) -> Finding:
    from bankloop.customer.catalogue import read_catalogue
    from bankloop.kit.holidays import read_own_years
    from bankloop.kit.worktime import take_calendar
    from bankloop.loop.spec import read_bank_spec
    from bankloop.store.doctor import Finding

    well = Text("银行文件无误", "the bank's files are sound")
    try:
        read_bank_spec(bank, read_catalogue(bank).open_types)
        take_calendar(read_own_years(bank))
    except BankloopError as error:
        return Finding("configuration", False, str(bank), error.message, error.message)
    return Finding("configuration", True, str(bank), well, well)


COMMANDS = {"doctor": doctor, "backup": backup, "restore": restore}
