"""Why a load brought nothing, and what lies in the way unread: said, because silence looks like success."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bankloop.kit.errors import SpecError
from bankloop.kit.text import Text
from bankloop.lake.contracts import LoadReport
from bankloop.lake.incoming import DRAWN
from bankloop.lake.registers import read_registers
from bankloop.lake.service import Lake
from bankloop.lake.sources import Source, read_sources

_SHOWN = 5
_FLAG = ".ok"


def check_units(lake: Lake) -> None:
    """Raise ``SpecError`` where customers would belong to units that nobody names.

    Nobody could then be their keeper.
    """
    sources = read_sources(lake.folder)
    customers = next((source for source in sources if source.table == "customer"), None)
    named = any(source.table == "unit" for source in sources) or lake.manifest.current("unit") is not None
    if customers is not None and not named:
        raise no_units(f"{customers.name} ({customers.place})")


def unread_files(folder: Path, sources: Sequence[Source]) -> tuple[str, ...]:
    """Return the files under data/incoming that no source and no register reads."""
    root = folder / "data" / "incoming"
    asked = [one for source in sources for one in (source.query.files.values() if source.query else [source])]
    readings = [*asked, *(register.reading for register in read_registers(folder))]
    read = {path for one in readings for path in root.glob(one.path)}
    lying = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
    return tuple(
        path.relative_to(root).as_posix()
        for path in lying
        if path not in read and path.suffix != _FLAG and not path.is_relative_to(root / DRAWN)
    )


def why_nothing(report: LoadReport, sources: Sequence[Source]) -> tuple[Text, ...]:
    """Return why a load brought nothing, each reason with its cure; nothing where it brought something."""
    if report.sources:
        return ()
    if not sources:
        return (
            Text(
                "bank.yaml 没有 sources：用 bankloop init --from 文件… 提出映射",
                "bank.yaml has no sources: bankloop init --from FILES… proposes them",
            ),
        )
    found = []
    if report.waiting:
        found.append(
            Text(
                f"{len(report.waiting)} 处还没到齐，缺 .ok 或文件：{_few(report.waiting)}",
                f"{len(report.waiting)} still wait for .ok or for files: {_few(report.waiting)}",
            )
        )
    if report.already_loaded:
        found.append(
            Text(
                f"{len(report.already_loaded)} 个文件已经装载过，内容未变",
                f"{len(report.already_loaded)} files were loaded before and have not changed",
            )
        )
    if report.superseded:
        found.append(
            Text(
                f"{len(report.superseded)} 个文件早于已装载的一天",
                f"{len(report.superseded)} files are of a day before the one that is loaded",
            )
        )
    if not found:
        patterns = _few([source.path for source in sources if not source.drawn])
        found.append(
            Text(
                f"data/incoming 下没有来源要的文件；来源要的是 {patterns}",
                f"no file under data/incoming is one that a source asks for; they ask for {patterns}",
            )
        )
    return tuple(found)


def beside(report: LoadReport) -> tuple[Text, ...]:
    """Return what a load left lying: files known by another mapping, and files that nobody reads."""
    found = []
    if report.remapped:
        tables = sorted({one.partition(":")[0] for one in report.remapped})
        again = " ".join(f"--again {table}" for table in tables)
        found.append(
            Text(
                f"{len(report.remapped)} 个文件是按旧映射装载的；按现在的映射重装：bankloop load {again}",
                f"{len(report.remapped)} files were loaded by an earlier mapping; to load them by the one "
                f"of now: bankloop load {again}",
            )
        )
    if report.unread:
        found.append(
            Text(
                f"没有来源读的文件：{_few(report.unread)}；请在 bank.yaml 为它写来源，或移走",
                f"files that no source reads: {_few(report.unread)}; write a source for them in bank.yaml "
                f"or take them away",
            )
        )
    return tuple(found)


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" (+{more})" if more > 0 else "")


def no_units(place: str) -> SpecError:
    """Customers that belong to units of which no source says what they are."""
    return SpecError(
        "lake.no_units",
        Text(
            "{place} 带来客户，但没有来源带来机构（unit）；没有机构文件时在 bank.yaml 写明一个："
            "unit: {{table: unit, rows: [{{unit_id: HQ, kind: head_office, name_zh: 总行, name_en: Head office}}]}}，"
            "并把 branch_id、sub_branch_id 写成常量 HQ",
            "{place} brings customers, and no source brings units; without a file of units state one in bank.yaml: "
            "unit: {{table: unit, rows: [{{unit_id: HQ, kind: head_office, name_zh: 总行, name_en: Head office}}]}}, "
            "and let branch_id and sub_branch_id be the constant HQ",
        ),
        place=place,
    )
