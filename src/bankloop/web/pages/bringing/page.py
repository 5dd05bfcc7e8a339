"""What has been brought, as values: files, questions, how each table is filled, and what trying it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankloop.kit.entries import on_one_line
from bankloop.kit.errors import BankloopError
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.proposal.asking import open_questions
from bankloop.lake.proposal.contracts import BringQuestion, ColumnEntry, FileLook, Proposal, ProposedSource
from bankloop.lake.proposal.draft import Draft
from bankloop.lake.trial import DataTrial, SourceTrial
from bankloop.view import format as say
from bankloop.view.figures import Cell, Column, Table, Tone

_SIGNS: Mapping[str, str] = {"\t": "tab", "\x01": "^A"}
# Examples that show what a column holds; what names a person is not shown.
_SEEN = 3
_FROM, _TABLE = "from", "table"
_WANTED: Mapping[str, tuple[str, ...]] = {
    "customer": ("customer_no", "name_token", "phone_token", "opened_on", "sub_branch_id", "marketing_consent"),
    "holding": ("customer_no", "product_class", "balance_fen", "opened_on", "matures_on"),
    "event": ("customer_no", "type", "occurred_at", "amount_fen"),
    "unit": ("unit_id", "name_zh", "parent_id", "kind"),
    "staff": ("staff_id", "unit_id", "post"),
    "employer": ("employer_id", "payday"),
    "corporate": ("corporate_id", "name_zh", "unit_id"),
    "merchant": ("merchant_id", "unit_id"),
}


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """One file: what it is, or why it cannot be read."""

    name: str
    size: Text
    look: FileLook | None
    fault: BankloopError | None = None

    @property
    def read_as(self) -> str:
        """Return how the file is read."""
        if self.look is None:
            return "—"
        if self.look.format != "csv":
            return self.look.format
        return f"csv {self.look.encoding} {_SIGNS.get(self.look.delimiter, self.look.delimiter)}"


@dataclass(frozen=True, slots=True)
class FilledColumn:
    """One column of a table as it would be filled: by which of the file's, how it is read, which codes it has."""

    name: str
    label: Text
    needed: bool
    source: BringQuestion | None
    written: str
    seen: str
    note: str
    further: tuple[BringQuestion, ...]


@dataclass(frozen=True, slots=True)
class FilledTable:
    """One source of the bank to be: its table, the file it reads and the columns that it fills."""

    name: str
    label: Text
    reads: str
    note: str
    columns: tuple[FilledColumn, ...]
    ignored: str


@dataclass(frozen=True, slots=True)
class BringingPage:
    """All of a draft on one page; ``fault`` is why nothing can be proposed."""

    draft: Draft
    files: tuple[BroughtFile, ...]
    questions: tuple[BringQuestion, ...] = ()
    tables: tuple[FilledTable, ...] = ()
    which: Mapping[str, BringQuestion] | None = None
    fault: BankloopError | None = None
    trial: DataTrial | None = None
    notes: tuple[Text, ...] = ()
    unsaved: int = 0

    @property
    def ready(self) -> bool:
        """Return whether a bank can be made of it: all is readable, and what only a person knows was said."""
        readable = bool(self.files) and all(one.fault is None for one in self.files)
        return readable and self.fault is None and not self.unsaved


def bringing_page(
    draft: Draft,
    files: Sequence[BroughtFile],
    proposal: Proposal | None,
    fault: BankloopError | None,
    trial: DataTrial | None,
) -> BringingPage:
    """Return a draft as its page shows it."""
    if proposal is None:
        return BringingPage(draft, tuple(files), fault=fault)
    asked = tuple(one for one in proposal.questions if not one.key.startswith(f"{_TABLE}."))
    which = {one.key: one for one in (*proposal.questions, *proposal.choices) if one.key.startswith(f"{_TABLE}.")}
    looks = [one.look for one in files if one.look is not None]
    tables = tuple(_table(source, proposal, looks) for source in proposal.sources)
    unsaved = sum(one.key not in draft.answers for one in proposal.questions)
    return BringingPage(draft, tuple(files), asked, tables, which, None, trial, proposal.notes, unsaved)


def to_answer(proposal: Proposal, form: Mapping[str, str]) -> dict[str, str]:
    """Return what a form answers: every question, and those choices that are not what the files say."""
    asked = {one.key: form[one.key] for one in proposal.questions if form.get(one.key)}
    chosen = {
        one.key: form[one.key] for one in proposal.choices if form.get(one.key, one.proposed) not in ("", one.proposed)
    }
    return {**asked, **chosen}


def left_open(proposal: Proposal, draft: Draft) -> tuple[BringQuestion, ...]:
    """Return the questions that nobody has answered, also those with a proposal: nobody is asked in silence here."""
    unseen = tuple(one for one in proposal.questions if one.key not in draft.answers)
    return open_questions(proposal.questions, draft.answers) or unseen


def _table(source: ProposedSource, proposal: Proposal, looks: Sequence[FileLook]) -> FilledTable:
    contract = CONTRACTS[source.table]
    mine = [one for one in (*proposal.choices, *proposal.questions) if one.key.startswith(f"{source.name}.")]
    asked = {one.key for one in proposal.questions}
    entries = {one.column: one for one in source.columns}
    columns = []
    for column in contract.columns:
        prefix = f"{source.name}.{column.name}"
        entry = entries.get(column.name)
        own = [one for one in mine if one.key.startswith(f"{prefix}.") and one.key not in asked]
        picker = next((one for one in own if one.key == f"{prefix}.{_FROM}"), None)
        if entry is None and picker is None:
            continue
        if prefix in asked:  # asked above: it is not asked twice
            picker = None
        columns.append(
            FilledColumn(
                column.name,
                column.label,
                not column.nullable,
                picker,
                on_one_line(entry.written) if entry else "",
                _seen(entry, looks),
                entry.note if entry else "",
                tuple(one for one in own if one is not picker and one.key != f"{prefix}.{_FROM}"),
            )
        )
    return FilledTable(
        source.name, contract.label, _reads(source), source.note, tuple(columns), ", ".join(source.ignore)
    )


def _reads(source: ProposedSource) -> str:
    reading: Mapping[str, Any] = source.reading
    path = reading.get("path") or next((one["path"] for one in reading.get("files", {}).values()), "")
    return str(path).removeprefix("*/")


def _seen(entry: ColumnEntry | None, looks: Sequence[FileLook]) -> str:
    """Return some values of the file's column that fills one; what names a person is a dot."""
    written = entry.written if entry else None
    column = written.get("from") if isinstance(written, dict) else written
    if isinstance(written, dict) and "pii" in written:
        return "●"
    for look in looks:
        if any(one.name == column for one in look.columns):
            return "、".join(value[:24] for value, _ in look.column(str(column)).values[:_SEEN])
    return ""


def wanted_table() -> Table:
    """Return which files are known, and what each must say; what else it says is taken too."""
    rows = tuple(
        (
            Cell(contract.label),
            Cell(Text("、".join(one.zh for one in needed), ", ".join(one.en for one in needed))),
            Cell(say.same(table)),
        )
        for table in _WANTED
        for contract in (CONTRACTS[table],)
        for needed in ([contract.column(one).label for one in _WANTED[table]],)
    )
    columns = (
        Column(Text("文件", "File")),
        Column(Text("主要的列", "What it says above all")),
        Column(Text("表", "Table")),
    )
    note = Text(
        "有客户或账户就能开始；没有的由程序说明后补上，营销同意要您来说。",
        "Customers or accounts are enough to begin; what is lacking is stated, and consent is for you to say.",
    )
    return Table("wanted", Text("哪些文件认得", "Which files are known"), columns, rows, note)


def preview_table(one: SourceTrial) -> Table:
    """Return the first rows of a source as they would load."""
    contract = CONTRACTS[one.table]
    columns = tuple(Column(contract.column(name).label) for name in one.columns)
    rows = tuple(tuple(Cell(say.same(value or "—")) for value in row) for row in one.preview)
    title = Text(f"{contract.label.zh}（{one.source}）", f"{contract.label.en} ({one.source})")
    note = Text(f"读 {one.read:,} 行，合格 {one.good:,} 行。", f"{one.read:,} rows read, {one.good:,} of them good.")
    return Table(f"preview-{one.source}", title, columns, rows, note)


def findings_table(trial: DataTrial) -> Table:
    """Return everything that stands against a load."""
    rows = tuple(
        (
            Cell(say.same(one.source)),
            Cell(say.same(one.file or "—")),
            Cell(one.said),
            Cell(say.count(one.rows), Tone.WARN),
        )
        for one in trial.findings
    )
    columns = (
        Column(Text("来源", "Source")),
        Column(Text("文件", "File")),
        Column(Text("问题", "What stands against it")),
        Column(Text("行", "Rows"), number=True),
    )
    return Table("findings", Text("问题", "Findings"), columns, rows)


def size_said(size: int) -> Text:
    """Return a file's size as people say it."""
    for unit, least in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= least:
            return say.same(f"{size / least:.1f} {unit}")
    return say.same(f"{size} B")


def brought(path: Path, look: FileLook | None, fault: BankloopError | None) -> BroughtFile:
    """Return one file of a draft."""
    return BroughtFile(path.name, size_said(path.stat().st_size), look, fault)
