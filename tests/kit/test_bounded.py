"""Bounds on what comes from outside: JSON by depth and digits, packed files by what they unpack to, rows as they come."""

from __future__ import annotations

import io
import itertools
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.bounded import (
    MOST_JSON,
    MOST_JSON_DEPTH,
    MOST_RATIO,
    Bounds,
    check_json,
    read_json,
    rows_within,
    unpacked_within,
    zip_within,
)
from bankloop.kit.errors import DataError

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(_PLAIN)
def test_json_within_its_bounds_is_read_as_it_is(value: object) -> None:
    for ascii_only in (True, False):
        assert read_json(json.dumps(value, ensure_ascii=ascii_only), "body") == value


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 40_000,
        b'{"a":' * 40_000,
        b"[" * (MOST_JSON_DEPTH + 1) + b"]" * (MOST_JSON_DEPTH + 1),
        b'["]"' + b",[" * 40_000,
        b"[" + b"9" * 5_000 + b"]",
        b'"' + b"x" * MOST_JSON + b'"',
    ],
)
def test_json_beyond_its_bounds_is_refused_before_it_is_parsed(body: bytes) -> None:
    with pytest.raises(DataError) as caught:
        read_json(body, "body")
    assert caught.value.code == "file.bounds"


def test_what_stands_in_a_text_does_not_count() -> None:
    brackets = json.dumps(["[" * 1_000, '\\"' + "{" * 1_000, "9" * 5_000])
    assert read_json(brackets, "body") == json.loads(brackets)
    assert len(read_json("[" * MOST_JSON_DEPTH + "]" * MOST_JSON_DEPTH, "body")) == 1
    # A text that is never closed, full of escaped quotes, is looked at once, not once from every quote.
    check_json(b'"' + b'\\"' * 500_000, "body")
    check_json(b'"' + b"\\", "body")


def test_rows_and_unpacked_bytes_are_counted_as_they_come() -> None:
    assert list(rows_within("a", iter(range(3)), 3)) == [0, 1, 2]
    endless = rows_within("a", itertools.count(), 1_000)
    with pytest.raises(DataError, match="1,001"):
        list(endless)
    unpacked_within("a.gz", 1_000, 1 << 20, 1 << 30)
    with pytest.raises(DataError, match="times"):
        unpacked_within("a.gz", 1 << 10, 32 << 20, 1 << 30)
    with pytest.raises(DataError, match="bytes unpacked"):
        unpacked_within("a.gz", 1 << 30, (1 << 30) + 1, 1 << 30)


def test_a_zip_is_judged_by_what_it_would_unpack_to() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr("a.xml", b"\0" * (32 << 20))
    assert (32 << 20) // len(out.getvalue()) > MOST_RATIO
    with pytest.raises(DataError) as caught:
        zip_within("a.xlsx", out, Bounds(1 << 30, 1 << 30, 10))
    assert caught.value.code == "file.bounds"
