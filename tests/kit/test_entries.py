"""An entry of a list is written in its place: everything else in the file stays as somebody wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.entries import on_one_line, with_entry
from bankloop.kit.located import read_located

FILE = """\
# above
format: 1
things:
  - key: one   # beside the first
    size: 1
  # above the second
  - {key: two, size: 2}

  # above the third
  - key: three
    size: 3
    more: {a: [1, 2]}
# below the list
other: yes
"""


@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_the_others_keep_their_lines(tmp_path: Path, name: str) -> None:
    place = tmp_path / "things.yaml"
    place.write_text(FILE, encoding="utf-8")
    located = read_located(place)
    place.write_text(with_entry(located, FILE, "things", "key", {"key": name, "size": 9}), encoding="utf-8")
    after = read_located(place).content
    sizes = {one["key"]: one["size"] for one in located.content["things"]} | {name: 9}
    assert {one["key"]: one["size"] for one in after["things"]} == sizes
    assert list(dict.fromkeys(one["key"] for one in after["things"])) == list(sizes)
    assert (after["format"], after["other"]) == (1, "yes")
    kept = [line for line in FILE.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in place.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("#")] == kept


def test_a_list_that_is_empty_or_at_the_end_takes_an_entry(tmp_path: Path) -> None:
    for text in ("format: 1\nthings:\n", "things:\n  - key: a\n", "things:\n- key: a"):
        place = tmp_path / "things.yaml"
        place.write_text(text, encoding="utf-8")
        located = read_located(place)
        place.write_text(with_entry(located, text, "things", "key", {"key": "b"}), encoding="utf-8")
        assert [one["key"] for one in read_located(place).content["things"]][-1] == "b"


_WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=20)


@given(
    st.recursive(_WORDS | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(_WORDS, inner), max_leaves=8)
)
def test_a_value_on_one_line_is_read_back(value: object) -> None:
    line = on_one_line({"it": value})
    assert "\n" not in line
    assert yaml.safe_load(line) == {"it": value}
