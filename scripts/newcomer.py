"""Plays the newcomer: three files of a bank of its own, then the commands of docs/tutorial/own-bank.md to the letter.

It knows nothing but the page: the commands stand in blocks without a language, the one file to write in a block of YAML
under its name. It stops at the first command that fails, and says how many there were and how long they took.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tutorials import steps

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tutorial" / "own-bank.md"
BANKLOOP = Path(sys.executable).with_name("bankloop")
MOST_COMMANDS, MOST_SECONDS = 12, 600


def write_files(folder: Path, customers: int, today: date) -> None:
    """Write the three files as three systems do: GBK, tabs, codes in Chinese."""
    draw, yesterday = random.Random(7), today - timedelta(days=1)  # noqa: S311 - data to play with
    people, accounts, moves = [], [], []
    for i in range(customers):
        number, opened = f"{6200000 + i}", yesterday - timedelta(days=draw.randrange(60, 4000))
        unit, consent = draw.choice(("0101", "0102", "0201")), draw.choice(("是", "是", "是", "否"))
        people.append(
            [
                number,
                f"王{i % 97}",
                f"138{draw.randrange(10**8):08d}",
                draw.choice("男女"),
                f"{1950 + i % 50}0615",
                f"{opened:%Y%m%d}",
                unit,
                consent,
            ]
        )
        accounts.append(
            [f"A{i:07d}", number, "活期", "D01", f"{draw.randrange(20_000_000) / 100:.2f}", opened.isoformat(), ""]
        )
        if draw.random() < 0.4:
            ends = today + timedelta(days=draw.randrange(10, 55))
            accounts.append(
                [
                    f"T{i:07d}",
                    number,
                    "定期",
                    "T12",
                    f"{draw.randrange(20, 300) * 1000}.00",
                    opened.isoformat(),
                    ends.isoformat(),
                ]
            )
        for j in range(4):
            at = yesterday - timedelta(days=draw.randrange(1, 120))
            kind = "转入" if draw.random() < 0.3 else draw.choice(("转出", "消费"))
            moves.append(
                [
                    10 * i + j,
                    number,
                    kind,
                    f"{at} {draw.randrange(8, 22):02d}:30:00",
                    f"{draw.randrange(100, 500_000) / 100:.2f}",
                ]
            )
    _write(
        folder / "customers.csv",
        ["客户号", "姓名", "手机号", "性别", "出生日期", "开户日期", "支行号", "营销同意"],
        people,
        "gbk",
        ",",
    )
    _write(
        folder / "accounts.csv",
        ["账号", "客户号", "产品类型", "产品代码", "余额", "开户日期", "到期日"],
        accounts,
        "utf-8",
        "\t",
    )
    _write(folder / "transactions.csv", ["流水号", "客户号", "交易类型", "交易时间", "交易金额"], moves, "utf-8", ",")


def _write(path: Path, head: list[str], rows: Sequence[Sequence[object]], encoding: str, sign: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=sign)
        writer.writerow(head)
        writer.writerows(rows)


def play(folder: Path, customers: int, today: date) -> dict[str, Any]:
    """Do all that the page says in a folder; return what happened."""
    write_files(folder, customers, today)
    commands, written, last, began = 0, 0, "", time.perf_counter()
    for step in steps(PAGE.read_text(encoding="utf-8")):
        if step.file:
            written += 1
            (folder / step.file).write_text(step.body, encoding="utf-8")
            continue
        if step.printed:
            continue
        commands += 1
        arguments = re.findall(r'"([^"]*)"|(\S+)', step.command)
        given = [quoted or plain for quoted, plain in arguments][1:]
        # A result as JSON is one line more of the same output.
        asked = [BANKLOOP, *given, *(["--json"] if given[0] == "run" else [])]
        done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - the page's own commands
        sys.stderr.write(f"{time.perf_counter() - began:6.1f} s  {step.command}\n")
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            return {"commands": commands, "files": written, "failed": step.command, "said": done.stderr[-2000:]}
        last = done.stdout
    seconds = round(time.perf_counter() - began, 1)
    decided = json.loads(last.strip().splitlines()[-1])
    return {
        "commands": commands,
        "files": written,
        "failed": "",
        "seconds": seconds,
        "customers": customers,
        "run": decided,
    }


def main() -> int:
    """Play it in a folder that is removed, with a cluster of its own; return 1 where it failed or took too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=3_000)
    parser.add_argument("--today", type=date.fromisoformat, default=date.today())  # noqa: DTZ011 - the newcomer's own day
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="newcomer-") as place:
        folder = Path(place)
        # The database's own user passes through it where root plays.
        folder.chmod(0o711)
        os.environ["BANKLOOP_STATE_DIR"] = str(folder / "state")
        found = play(folder, options.customers, options.today)
        _stop(folder)
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    kept = not found["failed"] and found["commands"] <= MOST_COMMANDS and found["seconds"] <= MOST_SECONDS
    return 0 if kept else 1


def _stop(folder: Path) -> None:
    from bankloop.store.embedded import remove_cluster

    remove_cluster(folder / "my-bank")


if __name__ == "__main__":
    sys.exit(main())
