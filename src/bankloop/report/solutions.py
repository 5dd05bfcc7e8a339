"""A solution for a segment as a sheet: products, benefits, scripts and service of each version, and who keeps which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bankloop.kit.text import Text
from bankloop.loop.spec import BankSpec, Solution
from bankloop.view import format as say
from bankloop.view.book import Book
from bankloop.view.figures import Cell, Column, Figure, Table, Tone

_DASH = say.same("—")
_STATES = {
    "draft": (Text("草稿", "draft"), Tone.WARN),
    "published": (Text("已发布", "published"), Tone.GOOD),
    "retired": (Text("已停用", "retired"), Tone.PLAIN),
}


def solutions_table(spec: BankSpec) -> Table:
    """Return the bank's solutions, each leading to its sheet."""
    rows = tuple(
        (
            Cell(one.title.text, drill=f"solutions/{key}"),
            Cell(_segment(one, spec)),
            Cell(say.same(f"v{one.published.version}") if one.published else _DASH),
            Cell(say.count(len(one.versions))),
        )
        for key, one in spec.solutions.items()
    )
    columns = (
        Column(Text("方案包", "Solution")),
        Column(Text("客群", "Segment")),
        Column(Text("已发布", "Published")),
        Column(Text("版本数", "Versions"), number=True),
    )
    return Table("solutions", Text("细分客群方案", "Solutions for segments"), columns, rows)


def solution_book(spec: BankSpec, one: Solution, campaigns: Mapping[str, int], titles: Mapping[str, Text]) -> Book:
    """Return a solution's sheet, its newest version first; ``campaigns`` say which version each keeps."""
    newest = one.published
    held = ", ".join(f"v{version}" for version in sorted({*campaigns.values()}, reverse=True))
    segment, taken = _segment(one, spec), f"v{newest.version}" if newest else "—"
    answer = Text(
        f"客群：{segment.zh}；新提交的战役取 {taken}，在用的：{held or '无'}。",
        f"Segment: {segment.en}; new campaigns take {taken}, in use: {held or 'none'}.",
    )
    figures = (
        Figure(Text("已发布", "Published"), say.same(f"v{newest.version}") if newest else _DASH),
        Figure(Text("在用的战役", "Campaigns that keep a version"), say.count(len(campaigns))),
    )
    places = sorted(range(len(one.versions)), key=lambda place: -one.versions[place].version)
    tables = tuple(_version_table(one, place, spec) for place in places)
    return Book("solution", one.title.text, answer, figures, (), (*tables, _kept(campaigns, titles)))


def _version_table(one: Solution, place: int, spec: BankSpec) -> Table:
    version = one.versions[place]
    products = [(spec.products[key].title.text, f"products/{key}") for key in version.products]
    benefits = [
        (spec.benefits[key].title.text if key in spec.benefits else say.same(key), "") for key in version.benefits
    ]
    scripts = [(say.same(key), "") for key in version.scripts]
    service = [(version.service.text, "")] if version.service else []
    parts = (
        (Text("产品", "Product"), products),
        (Text("权益", "Benefit"), benefits),
        (Text("话术", "Script"), scripts),
        (Text("服务", "Service"), service),
    )
    rows = tuple(
        (Cell(kind), Cell(title, drill=drill or None))
        for kind, found in parts
        for title, drill in found or [(_DASH, "")]
    )
    state, _ = _STATES[version.state]
    caption = Text(f"第 {version.version} 版（{state.zh}）", f"Version {version.version} ({state.en})")
    columns = (Column(Text("组成", "Part")), Column(Text("内容", "What")))
    return Table(f"version-{version.version}", caption, columns, rows)


def _kept(campaigns: Mapping[str, int], titles: Mapping[str, Text]) -> Table:
    rows = tuple(
        (Cell(titles.get(name, say.same(name)), drill=f"campaigns/{name}"), Cell(say.same(f"v{version}")))
        for name, version in sorted(campaigns.items())
    )
    columns = (Column(Text("战役", "Campaign")), Column(Text("用的版本", "Version")))
    note = Text(
        "已批准的战役保持当时的版本；新提交的取最新发布的。",
        "What was approved keeps its version; what is submitted takes the newest.",
    )
    return Table("kept", Text("谁在用哪一版", "Who keeps which version"), columns, rows, note)


def _segment(one: Solution, spec: BankSpec) -> Text:
    if one.segment is None:
        return Text("全部客户", "all customers")
    return spec.policies.segments[one.segment].title.text


def kept_versions(solution: str, taken: Sequence[tuple[str, str | None]]) -> dict[str, int]:
    """Return by campaign which version of a solution it keeps; ``taken`` says what each took, as 'name@2'."""
    found = {}
    for campaign, named in taken:
        key, _, version = (named or "").partition("@")
        if key == solution and version.isdigit():
            found[campaign] = int(version)
    return found
