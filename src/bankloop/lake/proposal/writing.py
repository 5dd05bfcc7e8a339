"""Write what is proposed as the bank.yaml that people read and change: one line a column, with the reason beside it."""

from __future__ import annotations

from collections.abc import Iterator

from bankloop.kit.entries import on_one_line
from bankloop.lake.proposal.contracts import ColumnEntry, Proposal, ProposedSource

_SAID = """\
# 由文件提出，请核对后修改。 Proposed from the files; check it and change what is not so.
# 试装 / try it: bankloop check --data   ·   装载 / load: bankloop load
"""
_HEAD = """\
format: 1
name: {zh: 我的银行, en: My bank}
time_zone: Asia/Shanghai
currency: CNY
database: default          # 内置数据库 / the embedded server; BANKLOOP_DATABASE_URL names another one

"""
# A bank that has no files yet: whoever brings them writes the file anew, as long as nobody has changed it.
EMPTY_BANK_YAML = f"""\
# 还没有数据，请在控制台接入文件。 There are no data yet: bring your files in the console.
{_HEAD}sources: {{}}
"""


def bank_yaml(proposal: Proposal) -> str:
    """Return the text of bank.yaml."""
    notes = [f"# {note.zh} / {note.en}" for note in proposal.notes]
    skipped = [f"# 未装载 / not loaded: {name}" for name in proposal.skipped]
    return f"{_SAID}{_HEAD}sources:\n" + "\n".join([*source_lines(proposal), *notes, *skipped]) + "\n"


def source_lines(proposal: Proposal) -> Iterator[str]:
    """Yield the lines of the sources, as they stand under ``sources:``."""
    for source in proposal.sources:
        yield from _source(source)


def _source(source: ProposedSource) -> Iterator[str]:
    yield f"  {source.name}:" + (f"  # {source.note}" if source.note else "")
    yield f"    table: {source.table}"
    for key, value in source.reading.items():
        if key == "rows":
            yield "    rows:"
            yield from (f"      - {on_one_line(row)}" for row in value)
        else:
            yield f"    {key}: {on_one_line(value)}"
    if source.ignore:
        yield f"    ignore: {on_one_line(list(source.ignore))}  # 不装载 / not loaded"
    if source.columns:
        yield "    columns:"
        yield from map(_entry, source.columns)


def _entry(entry: ColumnEntry) -> str:
    return f"      {entry.column}: {on_one_line(entry.written)}" + (f"  # {entry.note}" if entry.note else "")
