"""Files and folders that the user who runs the command may not open: said with the cure, never looked past."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import EnvironmentFault
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.proposal.bringing import look_at_all, make_bank
from bankloop.lake.proposal.proposing import propose
from bankloop.lake.service import Lake
from bankloop.lake.trial import try_load

CLOCK = FixedClock(datetime(2026, 11, 29, 4, tzinfo=UTC))
TODAY, DAY = date(2026, 11, 29), date(2026, 11, 28)
CUSTOMERS = "客户号,姓名,开户日期\n1,王伟,2020-01-02\n2,李芳,2021-03-04\n"
_NOBODY = 65_534


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user passes through, unlike the tests' own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def somebody() -> Iterator[None]:
    """Act as a user whom permissions bind: root is bound by none."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_in_a_closed_folder_is_said_to_be_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir()
    (closed / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    given = str(closed / "customers.csv")
    assert look_at_all([given], TODAY)[0].rows == 2
    closed.chmod(0)
    try:
        with somebody(), pytest.raises(EnvironmentFault) as caught:
            look_at_all([given], TODAY)
    finally:
        closed.chmod(0o700)
    assert caught.value.code == "lake.no_permission"
    assert "customers.csv" in str(caught.value.message.en)


def test_a_delivery_in_a_closed_folder_is_not_looked_past(place: Path) -> None:
    file, bank = place / "customers.csv", place / "bank"
    file.write_text(CUSTOMERS, encoding="utf-8")
    make_bank(bank, [str(file)], propose(look_at_all([str(file)], TODAY), {}, DAY))
    arrived = bank / "data" / "incoming" / DAY.isoformat()
    assert try_load(bank, CLOCK).findings == ()
    for folder in (bank, bank / "data", bank / "data" / "incoming"):
        folder.chmod(0o777)
    (bank / "bank.yaml").chmod(0o644)
    arrived.chmod(0)
    lake = Lake(bank, MemoryManifest(), CLOCK)
    for folder in (lake.root, bank / "data"):
        folder.chmod(0o777)
    try:
        with somebody():
            found = try_load(bank, CLOCK).findings
            with pytest.raises(EnvironmentFault) as caught:
                load_bank(bank, lake)
    finally:
        arrived.chmod(0o700)
    assert {one.rule for one in found if one.source == "customer"} == {"no_permission"}
    assert caught.value.code == "lake.no_permission"
    assert DAY.isoformat() in str(caught.value.message.en)
