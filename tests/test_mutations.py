"""The ways to break each capability cannot rot: all marks have one, each stands where it says, and is judged as it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.test_docs import ROOT, scripts

PACKAGE = ROOT / "src" / "bankloop"


def mutate() -> Any:
    return scripts("mutate")


def test_every_marked_capability_is_broken_in_some_way_and_no_other() -> None:
    marked = scripts("pages.capabilities").capabilities()
    assert {one.capability for one in mutate().mutations()} == set(marked)
    assert len(marked) > 60


def test_each_stands_once_where_it_says_and_what_it_makes_can_be_read() -> None:
    for one in mutate().mutations():
        path = PACKAGE / one.file
        made = one.of(path.read_text(encoding="utf-8"))
        assert made is not None, f"{one.capability}: {one.file} does not hold {one.old!r} exactly once"
        if path.suffix == ".py":
            compile(made, one.file, "exec")
        elif path.suffix == ".yaml":
            yaml.safe_load(made)


def test_none_is_put_into_the_working_tree(tmp_path: Path) -> None:
    one, before = mutate().mutations()[0], {}
    with mutate().copied() as folder:
        assert (folder / "src" / "bankloop" / one.file).read_bytes() == (PACKAGE / one.file).read_bytes()
        assert not (folder / "src" / "bankloop" / one.file).samefile(PACKAGE / one.file)
        before = {path: path.stat().st_mtime_ns for path in (folder / "src").rglob("*.py")}
        assert {path.stat().st_mtime_ns for path in PACKAGE.rglob("*.py")} >= set(before.values())
    assert not any(path.exists() for path in before)


@pytest.mark.parametrize(
    ("cases", "result"),
    [
        ('<testcase name="a"/><testcase name="b"><failure message="assert 1 == 2"/></testcase>', "caught"),
        ('<testcase name="a"/>', "survived"),
        ('<testcase name="a"/><testcase name="b"><skipped/></testcase>', "survived"),
        ('<testcase name="a"><skipped/></testcase>', "no tests"),
        ('<testcase name="a"><error message="no bank"/></testcase>', "broken"),
    ],
)
def test_it_is_caught_only_where_a_test_itself_fails(cases: str, result: str) -> None:
    assert mutate().judged(ElementTree.fromstring(f"<testsuites>{cases}</testsuites>")).result == result


def test_a_sample_takes_every_line_once() -> None:
    every = mutate().mutations()
    parts = [mutate().chosen(every, "", f"{part}/7") for part in range(7)]
    assert sorted(map(str, (one for part in parts for one in part))) == sorted(map(str, every))
    assert {one.capability for one in mutate().chosen(every, "A3,A18", "")} == {"A3", "A18"}
    with pytest.raises(SystemExit, match="A99"):
        mutate().chosen(every, "A99", "")


@pytest.mark.soak
def test_what_one_of_them_breaks_today_is_caught() -> None:
    """Another one each day: all of them take an hour, ``make mutate`` is for those."""
    assert mutate().main(["--sample", f"today/{len(mutate().mutations())}"]) == 0
