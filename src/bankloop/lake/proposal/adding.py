"""A further source for a bank that has sources already: tried beside what is loaded, and written into its bank.yaml.

What stands in bank.yaml stays as it is, comments and all; what is new stands below it. Whole or not at all.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, text

from bankloop.kit.clock import Clock
from bankloop.kit.errors import BankloopError, ConflictError, InputError, SpecError
from bankloop.kit.ids import digest_bytes
from bankloop.kit.text import Text
from bankloop.lake import errors, files
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.incoming import DRAWN
from bankloop.lake.proposal.bringing import Put, is_free, link, make_bank, moved, same_name, write_whole
from bankloop.lake.proposal.contracts import Proposal
from bankloop.lake.proposal.writing import source_lines
from bankloop.lake.service import Lake
from bankloop.lake.sources import Source, read_sources
from bankloop.lake.trial import DataTrial, try_load
from bankloop.store.audit import record_audit

LOCK = text("SELECT pg_advisory_xact_lock(hashtext('bring'))")
_HEAD = re.compile(r"^sources:[ \t]*(\{[ \t]*\})?[ \t]*(#.*)?$")
_DENTED = re.compile(r"^( +)[^ #]")


def names_there(bank: Path) -> frozenset[str]:
    """Return the sources that a bank has; none of one that has no files yet, whose file is written anew."""
    return frozenset() if is_free(bank) else frozenset(one.name for one in read_sources(bank))


def check_new(bank: Path, given: Mapping[str, Path]) -> None:
    """Raise ``ConflictError`` for a file that a source reads already, or that arrived under another name."""
    if is_free(bank):
        return
    arrived = bank / "data" / "incoming"
    lying = [one for one in arrived.rglob("*") if one.is_file() and DRAWN not in one.relative_to(arrived).parts]
    for name, path in given.items():
        for source in read_sources(bank):
            for one in (source, *(source.query.files.values() if source.query else ())):
                if one.path and PurePosixPath("2000-01-01", name).match(one.path):
                    raise known_file(name, source.name)
        if not path.exists():  # a database, by the variable that holds its address
            continue
        alike = [one for one in lying if one.stat().st_size == path.stat().st_size]
        if same := next((one for one in alike if files.file_digest(one) == files.file_digest(path)), None):
            raise same_content(name, str(same.relative_to(arrived)))


def _on_its_day(proposal: Proposal, lake: Lake) -> Proposal:
    """Return a proposal on the day of the snapshot that it adds to: a day's snapshot is all of its files together."""
    current = lake.manifest.currents()
    snapshots = {one.table for one in proposal.sources if CONTRACTS[one.table].mode == "replace"}
    days = [current[table].as_of for table in snapshots if table in current]
    return replace(proposal, day=max(days, default=proposal.day))


def try_further(bank: Path, lake: Lake, given: Sequence[str], proposal: Proposal, clock: Clock) -> DataTrial:
    """Return what loading the new sources would do beside what is loaded; nothing stays behind."""
    there = {table: lake.paths(version) for table, version in lake.manifest.currents().items()}
    with tempfile.TemporaryDirectory(prefix="bankloop-further-") as place:
        folder = Path(place)
        (folder / "bank.yaml").write_text(_written(bank, proposal), encoding="utf-8")
        _arrive(folder, given, _on_its_day(proposal, lake).day, link)
        return try_load(folder, clock, frozenset(one.name for one in proposal.sources), there)


def settle_sources(
    connection: Connection, bank: Path, lake: Lake, given: Sequence[str], proposal: Proposal, *, move: bool = False
) -> Proposal:
    """Write what is proposed into bank.yaml and let the files arrive: of a bank without files a new one, else below.

    Return the proposal with the day on which they arrive.

    Raises ``ConflictError`` for a file that the bank has, ``SpecError`` for a bank.yaml that cannot be written into.
    """
    connection.execute(LOCK)
    before = digest_bytes([(bank / "bank.yaml").read_bytes()]) if (bank / "bank.yaml").exists() else None
    if is_free(bank):
        make_bank(bank, given, proposal, move=move)
    else:
        check_new(bank, {Path(one).name: Path(one) for one in given})
        proposal, written = _on_its_day(proposal, lake), _written(bank, proposal)
        with errors.guarded(str(bank)):
            _arrive(bank, given, proposal.day, moved if move else shutil.copyfile)
            write_whole(bank / "bank.yaml", written)
    after = {
        "file": digest_bytes([(bank / "bank.yaml").read_bytes()]),
        "files": [Path(one).name for one in given],
        "day": proposal.day.isoformat(),
    }
    record_audit(connection, "lake.settle", "lake", "bank.yaml", {"file": before} if before else None, after)
    return proposal


def _written(bank: Path, proposal: Proposal) -> str:
    """Return the bank.yaml with the new sources below those that it has, read back and compared."""
    if not proposal.sources:
        raise nothing_new(proposal.skipped)
    old, place = read_sources(bank), bank / "bank.yaml"
    found = "\n".join(_joined(place.read_text(encoding="utf-8").splitlines(), list(source_lines(proposal)))) + "\n"
    with tempfile.TemporaryDirectory(prefix="bankloop-written-") as folder:
        Path(folder, "bank.yaml").write_text(found, encoding="utf-8")
        try:
            read = {one.name: _said(one) for one in read_sources(Path(folder))}
        except BankloopError as error:
            raise not_so(error.message) from error
    if {one.name: read.get(one.name) for one in old} != {one.name: _said(one) for one in old}:
        raise not_so(Text("原有来源会改变", "the sources that are there would change"))
    return found


def _joined(lines: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the lines with the new ones at the end of ``sources:``, indented as its first source is."""
    at = next((n for n, line in enumerate(lines) if _HEAD.match(line)), None)
    if at is None:
        raise not_so(Text("找不到单独成行的 sources:", "there is no line with sources: alone"))
    end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() and lines[n][0] not in " #"), len(lines))
    while end > at + 1 and not lines[end - 1].startswith(" "):  # a comment above the next key is that key's
        end -= 1
    dent = next((found[1] for line in lines[at + 1 : end] if (found := _DENTED.match(line))), "  ")
    yield from lines[:at]
    yield re.sub(r"\{[ \t]*\}", "", lines[at]).rstrip()
    yield from lines[at + 1 : end]
    yield from (dent + line.removeprefix("  ") for line in new)
    yield from lines[end:]


def _said(source: Source) -> Source:
    """Return a source without the line that it stands on."""
    query = source.query
    if query is not None:
        query = replace(query, files={name: _said(one) for name, one in query.files.items()})
    return replace(source, place="", query=query)


def _arrive(folder: Path, given: Sequence[str], day: date, put: Put) -> None:
    """Let files arrive on a day that others may have arrived on; one that still waits for others goes on waiting."""
    place = folder / "data" / "incoming" / day.isoformat()
    new = not place.exists()
    place.mkdir(parents=True, exist_ok=True)
    paths = [Path(one) for one in given if Path(one).exists()]
    if there := next((one.name for one in paths if (place / one.name).exists()), None):
        raise same_name(there)
    for path in paths:
        put(path, place / path.name)
        if not new and not (place / ".ok").exists():
            (place / f"{path.name}.ok").touch()
    if new:
        (place / ".ok").touch()


def known_file(name: str, source: str) -> ConflictError:
    """A file that is a delivery of a source the bank has."""
    return ConflictError(
        "bring.known_file",
        Text(
            "{name} 已由来源 {source} 读取，不必再接入；把它放进 data/incoming 的日期文件夹并加 .ok，再运行 bankloop load",
            "{name} is read by the source {source} already; put it into a dated folder of data/incoming with .ok, "
            "and run bankloop load",
        ),
        name=name,
        source=source,
    )


def same_content(name: str, other: str) -> ConflictError:
    """A file that has arrived before under another name."""
    return ConflictError(
        "bring.same_content",
        Text(
            "{name} 与已到的 {other} 内容完全相同，装两遍会重复；请换成另一份文件",
            "{name} holds exactly what {other} does, which has arrived; send another file, or leave it",
        ),
        name=name,
        other=other,
    )


def nothing_new(skipped: Sequence[str]) -> InputError:
    """Files of which none is to be loaded."""
    return InputError(
        "bring.nothing",
        Text(
            "{files} 都选了不装载，没有可写入的来源；请为其中一个选一张表",
            "none of {files} is to be loaded, so there is no source to write; choose a table for one of them",
        ),
        files=", ".join(skipped),
    )


def not_so(why: Text) -> SpecError:
    """A bank.yaml in a form that a program cannot add to without changing it."""
    return SpecError(
        "bring.form",
        Text(
            "不能把新来源写进 bank.yaml：{why}；请让 sources: 单独成行、每个来源另起一行，再试",
            "the new source cannot be written into bank.yaml: {why}; let sources: stand on a line alone and each "
            "source begin a line below it, and try again",
        ),
        why=why,
    )
