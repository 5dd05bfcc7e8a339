"""A text of two gigabytes: what is looked at of it is bounded, and it loads within a limit of half its size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak
SIZE = 2 << 30
# What a process may grow by for a file, as a share of the file: the lake's limit, and what stands beside it.
MOST = 0.6
_PART = 100_000
_CODE = """
import json, resource, sys
from datetime import UTC, date, datetime
from pathlib import Path
from bankloop.kit.clock import FixedClock
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.proposal.bringing import look_at_all, make_bank
from bankloop.lake.proposal.proposing import propose
from bankloop.lake.service import Lake

def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

file, folder = Path(sys.argv[1]), Path(sys.argv[2])
before = grown()
(look,) = look_at_all([str(file)], date(2026, 11, 29))
looked = grown() - before
make_bank(folder, [str(file)], propose([look], {}, date(2026, 11, 28)))
file.unlink()
clock = FixedClock(datetime(2026, 11, 29, 4, tzinfo=UTC))
report = load_bank(folder, Lake(folder, MemoryManifest(), clock, memory="1GB"))
rows = {one.source: one.loaded for one in report.sources}
print(json.dumps({"sampled": look.sampled, "looked": looked, "loaded": grown() - before, "rows": rows}))
"""


def write_customers(place: Path, size: int) -> int:
    """Write customers until the file has its size; return how many they are."""
    rows = 0
    with place.open("w", encoding="utf-8") as file:
        file.write("客户号,姓名,手机号,性别,开户日期,备注\n")
        while file.tell() < size:
            many = range(rows, rows + _PART)
            file.write("".join(f"{10**9 + i},王{i % 997},138{i % 10**8:08d},男,2020-01-02,{'x' * 150}\n" for i in many))
            rows += _PART
    return rows


def test_two_gigabytes_are_looked_at_in_part_and_loaded_within_the_lake_s_limit(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    rows = write_customers(file, SIZE)
    size = file.stat().st_size
    done = subprocess.run(
        [sys.executable, "-c", _CODE, str(file), str(tmp_path / "bank")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["sampled"]
    assert found["rows"]["customer"] == rows
    assert found["looked"] < MOST / 2 * size
    assert found["loaded"] < MOST * size
