"""One entry of a list in a YAML file written anew or added: what stands around it keeps its words, order and comments.

Imported by path (``bankloop.kit.entries``), not from the door: YAML is written only where a file is edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from bankloop.kit.located import Located

_NO_BREAK = 1 << 20


class _OneLine(yaml.SafeDumper):
    """Writes a text of several lines in quotes with signs for its breaks: in others it would take several lines too."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if len(text.splitlines()) > 1 or text != text.rstrip("\r\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_OneLine.add_representer(str, _quoted)


def on_one_line(value: Any) -> str:
    """Return a value on one line, as YAML that is read back to the same."""
    text = yaml.dump(
        value, Dumper=_OneLine, default_flow_style=True, allow_unicode=True, width=_NO_BREAK, sort_keys=False
    )
    # An empty key is written by the library in the long way that nobody reads.
    return text.strip().removesuffix("...").strip().replace("? '' : ", "'': ")


def with_entry(located: Located, text: str, entries: str, named: str, entry: Mapping[str, Any]) -> str:
    """Return the text of a file in which ``entry`` stands in the list ``entries``, in place of the one of its name.

    ``named`` is the field by which entries are told apart; ``located`` is what ``text`` was read to. Comments inside
    the entry that is replaced are lost, those beside all others stay.
    """
    written = "\n".join(f"{key}: {on_one_line(value)}" for key, value in entry.items())
    return with_entry_as_written(located, text, entries, named, str(entry[named]), written)


def with_entry_as_written(located: Located, text: str, entries: str, named: str, name: str, written: str) -> str:
    """Return what ``with_entry`` does for the entry ``name`` as somebody wrote it, its lines without their indent."""
    lines = text.splitlines()
    first, last = _place(located, lines, entries, named, name)
    starts = [located.line(entries, index) - 1 for index in range(len(located.content.get(entries) or []))]
    indent = lines[starts[0]][: lines[starts[0]].index("-")] if starts else "  "
    own = [line.rstrip() for line in written.strip("\n").splitlines()]
    put = [f"{indent}{'- ' if at == 0 else '  '}{line}".rstrip() for at, line in enumerate(own)]
    return "\n".join([*lines[:first], *put, *lines[last:]]) + "\n"


def entry_as_written(located: Located, text: str, entries: str, named: str, name: str) -> str:
    """Return the lines of one entry as they stand in a file, without their indent; '' where there is none."""
    lines = text.splitlines()
    first, last = _place(located, lines, entries, named, name)
    if first == last:
        return ""
    width = lines[first].index("-") + 2
    return "\n".join([lines[first][width:], *(line[width:] for line in lines[first + 1 : last])]) + "\n"


def _place(located: Located, lines: list[str], entries: str, named: str, name: str) -> tuple[int, int]:
    """Return the first line of an entry and the one behind its last; of one that is not there, the list's end twice."""
    listed = located.content.get(entries) or []
    starts = [located.line(entries, index) - 1 for index in range(len(listed))]
    end = _end_of_list(located, entries, len(lines))
    place = next((at for at, one in enumerate(listed) if one.get(named) == name), None)
    if place is None:
        return end, end
    return starts[place], _last(lines, starts[place], starts[place + 1] if place + 1 < len(starts) else end)


def _end_of_list(located: Located, entries: str, count: int) -> int:
    """Return the line behind a list: where the next name of the file begins, or the file's end."""
    begins = located.line(entries)
    return min((line - 1 for route, line in located.lines.items() if len(route) == 1 and line > begins), default=count)


def _last(lines: list[str], first: int, behind: int) -> int:
    """Return the line behind an entry's last one: empty lines and comments below it are of what follows."""
    while behind > first + 1 and (not lines[behind - 1].strip() or lines[behind - 1].lstrip().startswith("#")):
        behind -= 1
    return behind
