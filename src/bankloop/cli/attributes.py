"""The command on attributes: the catalogue as it is in force, and which of it stands on data that is too old."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.screen import AsJson, Folder, finish, language, show_table
from bankloop.simulate.clock import bank_clock

_HERE = Path()


def attributes(
    stale_only: Annotated[bool, typer.Option("--stale", help="只列数据过旧的 / only those on data too old")] = False,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """列出全部标签及其口径、负责人、分级和新鲜度。List all attributes: kind, owner, class, freshness; --stale for those too old."""
    from bankloop.customer.contracts import ADDED_UP
    from bankloop.customer.freshness import stale
    from bankloop.wiring import open_bank

    with open_bank(bank, bank_clock(bank)) as opened:
        versions = {table: opened.lake.manifest.current(table) for table in ("customer", *ADDED_UP, "event")}
        newest = {table: version.as_of for table, version in versions.items() if version is not None}
        old = stale(opened.catalogue, newest, opened.lake.today())
        found = opened.catalogue.attributes
    rows = [
        {"name": name, "kind": one.kind.value, "type": str(one.type), "zh": one.label.zh, "en": one.label.en, "owner": one.owner,
         "data_class": one.data_class.value, "freshness": one.freshness, "age": old.get(name)}
        for name, one in sorted(found.items()) if not stale_only or name in old
    ]  # fmt: skip
    shown = [
        [r["name"], found[str(r["name"])].label.say(language()), r["kind"], r["type"], r["owner"], r["data_class"], r["freshness"], r["age"] or ""]
        for r in rows
    ]  # fmt: skip
    heads = [
        "标签 / attribute",
        "名称 / label",
        "来源 / kind",
        "类型 / type",
        "负责 / owner",
        "分级 / class",
        "新鲜 / fresh",
        "过旧 / age",
    ]
    show_table(f"{len(rows)}", heads, shown, right=[6, 7])
    finish({"attributes": rows, "stale": len(old)}, as_json)


COMMANDS = {"attributes": attributes}
