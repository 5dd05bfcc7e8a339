"""YAML through its one door: what it says is read with its lines, what is beyond its bounds is refused before it is made."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import BankloopError, SpecError
from bankloop.kit.located import MOST_BYTES, MOST_DEPTH, MOST_NODES, read_located

_LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
)
# More than any refusal of a small file needs, far less than what the file would unfold to.
_MEMORY = 64 << 20


def refusal(folder: Path, text: str | bytes) -> SpecError:
    path = folder / "bank.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    tracemalloc.start()
    try:
        with pytest.raises(BankloopError) as caught:
            read_located(path)
        assert tracemalloc.get_traced_memory()[1] < _MEMORY
    finally:
        tracemalloc.stop()
    assert "bank.yaml" in caught.value.message.en
    assert caught.value.message.zh != caught.value.message.en
    return caught.value  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (_LAUGHS, "spec.bounds", "bank.yaml:5"),
        (_LAUGHS.replace("[", "{<<: [").replace("]", "]}").replace("x, " * 8 + "x", "{x: 1}"), "spec.bounds", "bank.yaml:"),
        ("a: &a [1, *a]", "spec.bounds", "bank.yaml:1"),
        ("a: &a\n  b: *a", "spec.bounds", "bank.yaml:2"),
        ("[" * 40_000, "spec.bounds", "bank.yaml:1"),
        ("a: " + "{b: " * 40_000, "spec.bounds", "bank.yaml:1"),
        ("- " * 40_000, "spec.bounds", "bank.yaml:1"),
        ("a:\n" + "- x\n" * (MOST_NODES + 9), "spec.bounds", f"bank.yaml:{MOST_NODES + 1}"),
        ("a: b # " + "x" * MOST_BYTES, "file.bounds", "bank.yaml"),
        ("a: " + "9" * 5_000, "spec.yaml", "bank.yaml:1"),
        ("a: " + ":".join(["1"] + ["59"] * 5_000), "spec.yaml", "bank.yaml:1"),
        ("x: 1\na: 2026-13-45", "spec.yaml", "bank.yaml:2"),
        ("a: !!timestamp soon", "spec.yaml", "bank.yaml:1"),
        ("a: !!python/object/apply:os.getcwd []", "spec.yaml", "bank.yaml:1"),
        ("? [a]\n: b", "spec.yaml", "bank.yaml:1"),
        ("a: \x00", "spec.yaml", "bank.yaml:1"),
        ("- a\n- b", "spec.mapping", "bank.yaml:1"),
        ("just words", "spec.mapping", "bank.yaml:1"),
        ("a: *nobody", "spec.yaml", "bank.yaml:1"),
        (b"a: \xff\xfe", "spec.encoding", "bank.yaml"),
    ],
)  # fmt: skip
def test_what_is_beyond_bounds_or_no_mapping_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, code: str, place: str
) -> None:
    found = refusal(tmp_path, text)
    assert found.code == code
    assert place in found.message.en


def test_up_to_its_bounds_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bank.yaml"
    # The document, its mapping's keys and its values all count: three nodes a line.
    path.write_text("a: &a [1, 2]\nb: *a\nyes: no\n" + "".join(f"k{n}: {n}\n" for n in range(MOST_NODES // 2 - 10)))
    found = read_located(path)
    assert found.content["b"] == [1, 2]
    assert found.content["yes"] == "no"
    assert found.place("k7") == "bank.yaml:11"
    path.write_text("a: " + "[" * (MOST_DEPTH - 1) + "]" * (MOST_DEPTH - 1))
    assert list(read_located(path).content) == ["a"]
    path.write_text("# nothing yet\n")
    assert read_located(path).content == {}


@given(st.one_of(st.text(alphabet="ab:-?&*<>|![]{}\"'#%@`,0 1\n\t~=.", max_size=80), st.text(max_size=40)))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    with TemporaryDirectory() as place:
        path = Path(place) / "bank.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            found, said = read_located(path).content, "bank.yaml"
        except SpecError as error:
            found, said = {}, error.message.en
        assert isinstance(found, dict)
        assert "bank.yaml" in said
