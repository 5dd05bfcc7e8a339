"""Commands on a bank's folder: init, check, simulate, load."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bankloop.cli.following import newest_campaign, say_following
from bankloop.cli.screen import AsJson, Folder, finish, language, say, show_table
from bankloop.cli.trials import findings_left, plain_trial, show_trial
from bankloop.cli.who import permit
from bankloop.kit.clock import SystemClock
from bankloop.kit.errors import DataError
from bankloop.kit.text import Language
from bankloop.simulate.clock import bank_clock

if TYPE_CHECKING:
    from bankloop.lake.contracts import RuleCount

_HERE = Path()


def init(
    folder: Annotated[Path, typer.Argument(help="新文件夹 / new folder")],
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="你的文件，或数据库地址所在的变量名 / a file of yours, or the variable that holds a database's address",
        ),
    ] = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="预先回答：问题=答案 / an answer beforehand: question=answer")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="其余都按提议 / take what is proposed for the rest")] = False,
    as_json: AsJson = False,
) -> None:
    """新建银行文件夹；--from 看你的文件并提出映射。Make a bank's folder; --from looks at your files and proposes their mapping."""
    from bankloop.cli.bringing import bring
    from bankloop.simulate.service import write_templates

    found = bring(folder, from_, answer or [], yes=yes) if from_ else {}
    folder.mkdir(parents=True, exist_ok=True)
    write_templates(folder)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("data/\n", encoding="utf-8")
    made = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    if not from_:
        show_table(str(folder), ["文件 / file"], [[name] for name in made])
        say_following("init_empty", folder)
    else:
        say_following("init_faults" if found["trial"]["findings"] else "init", folder)
    finish({"folder": str(folder), "files": made, **found}, as_json)


def check(
    bank: Folder = _HERE,
    data: Annotated[
        bool,
        typer.Option(
            "--data", help="也试装已到的文件，一次列出所有问题 / also try the files that arrived, naming every fault"
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """检查银行文件：标签、产品、权益、话术、战役。Check a bank's files; nothing is changed and no database is needed."""
    if data:
        return check_data(bank, as_json)
    from bankloop.customer.catalogue import read_catalogue
    from bankloop.loop.benefit import check_benefits
    from bankloop.loop.evaluate import read_metrics
    from bankloop.loop.script import check_scripts
    from bankloop.loop.spec import read_bank_spec, read_plays, read_programmes

    catalogue = read_catalogue(bank)
    spec = read_bank_spec(bank, catalogue.open_types)
    check_scripts(spec.scripts.values())
    for campaign in spec.campaigns.values():
        products = [spec.products[key] for key in campaign.products]
        check_benefits(campaign, products, [spec.benefits[key] for key in campaign.benefits if key in spec.benefits])
    programmes = read_programmes(bank, spec.campaigns, read_metrics(bank))
    plays = read_plays(bank, spec.campaigns, spec.products, catalogue.types)
    found = {
        "attributes": len(catalogue.types),
        "products": len(spec.products),
        "benefits": len(spec.benefits),
        "scripts": len(spec.scripts),
        "campaigns": len(spec.campaigns),
        "programmes": len(programmes),
        "plays": len(plays),
    }
    names = {
        "attributes": "标签",
        "products": "产品",
        "benefits": "权益",
        "scripts": "话术",
        "campaigns": "战役",
        "programmes": "项目",
        "plays": "策略",
    }
    shown = [[names[k] if language() is Language.ZH else k, n] for k, n in found.items()]
    show_table("✓", ["", ""], shown, right=[1])
    newest = newest_campaign(bank, tuple(spec.campaigns))
    say_following("check" if newest else "check_none", bank, campaign=newest)
    finish(found, as_json)


def check_data(bank: Path, as_json: bool) -> None:
    """Try what arrived and name every fault at once; raise ``DataError`` where there is one."""
    from bankloop.lake.trial import try_load

    trial = try_load(bank, SystemClock())
    show_trial(trial)
    if not trial.findings:
        say_following("init", bank)
    finish(plain_trial(trial), as_json)
    if trial.findings and as_json:
        raise typer.Exit(DataError.exit_code)
    if trial.findings:
        raise findings_left(len(trial.findings))


def simulate(
    folder: Annotated[Path, typer.Argument(help="文件夹 / folder")],
    customers: Annotated[int, typer.Option(help="客户数 / number of customers")] = 300_000,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 42,
    today: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="银行的今天 / the bank's today")] = datetime(  # noqa: DTZ001 - a bank-local day, as typed
        2026, 8, 24
    ),
    as_json: AsJson = False,
) -> None:
    """写出模拟的泉江银行：源文件和真值。Write the simulated bank 泉江银行: its source files and its truth."""
    from bankloop.simulate.service import write_bank

    made = write_bank(folder, customers, seed, today=date(today.year, today.month, today.day))
    show_table(str(folder), ["表 / table", "行 / rows"], [[k, f"{v:,}"] for k, v in made.rows.items()], right=[1])
    say_following("simulate", folder)
    finish({"folder": str(folder), "customers": made.customers, "rows": made.rows, "defects": made.defects}, as_json)


def load(
    bank: Folder = _HERE,
    accept_loss: Annotated[
        list[str] | None, typer.Option(help="允许失去大半行的表 / table that may lose most of its rows")
    ] = None,
    take_back: Annotated[
        list[str] | None, typer.Option(help="先退回上一版的表 / table to put back to its version before, first")
    ] = None,
    again: Annotated[
        list[str] | None, typer.Option(help="按现在的映射重新装载的表 / table to make anew by the mapping of now")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """装载源文件：坏行隔离，好行入湖。Load what has arrived; bad rows go to quarantine, good rows load."""
    from bankloop.lake.sources import read_sources
    from bankloop.lake.standstill import beside, why_nothing
    from bankloop.wiring import load as load_all
    from bankloop.wiring import make_ready, open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        permit(opened.store, "lake.load")
        back = [opened.lake.take_back(table) for table in take_back or ()]
        for version in back:
            say(f"{version.table} ← {version.as_of} ({version.rows:,} 行 / rows)")
        report, people = load_all(
            opened, lambda one, done, total: say(f"{done}/{total} {one}"), accept_loss or (), again or ()
        )
        why = why_nothing(report, read_sources(bank))
        if report.versions or back:
            say("标签与档案 / attributes and profiles")
            make_ready(opened)
    rows = [
        [
            s.source,
            str(s.day or ""),
            f"{s.rows_read:,}",
            f"{s.loaded:,}",
            f"{s.already_known:,}",
            f"{s.quarantined:,}",
            _reasons(s.rules),
        ]
        for s in report.sources
    ]
    show_table(
        "装载 / load", ["源 / source", "日 / day", "读 / read", "入 / loaded", "已有 / known", "隔离 / quarantined", "原因 / reasons"],
        rows, right=[2, 3, 4, 5],
    )  # fmt: skip
    for folder in report.waiting:
        say(f"等待 .ok / waiting for .ok: {folder}")
    for file in report.superseded:
        say(f"已有更新一日，未用 / a later day is loaded, not used: {file}")
    for reason in (*why, *beside(report)):
        say(reason.say(language()))
    say_following("load", bank)
    finish(
        {
            "load": report.load_id,
            "sources": {
                s.source: {
                    "read": s.rows_read,
                    "loaded": s.loaded,
                    "known": s.already_known,
                    "quarantined": s.quarantined,
                }
                for s in report.sources
            },
            "versions": report.versions,
            "waiting": list(report.waiting),
            "already_loaded": len(report.already_loaded),
            "superseded": list(report.superseded),
            "why": [{"zh": reason.zh, "en": reason.en} for reason in why],
            "remapped": list(report.remapped),
            "unread": list(report.unread),
            "taken_back": {version.table: version.as_of.isoformat() for version in back},
            "people": {"units": people.units, "staff": people.staff, "customers": people.customers},
        },
        as_json,
    )


def _reasons(rules: Iterable[RuleCount]) -> str:
    return ", ".join(f"{r.rule}/{r.column} {r.rows}" for r in rules)


COMMANDS = {"init": init, "check": check, "simulate": simulate, "load": load}
