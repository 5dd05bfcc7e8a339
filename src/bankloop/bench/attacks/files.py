"""Files that carry code, fill the machine, lose rows, leave their folder, or can be read by others."""

from __future__ import annotations

import io
import pickle
import shutil
import stat
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from bankloop.bench.attacks.target import BASE, AttackTarget, attack, held, key
from bankloop.kit.errors import BankloopError
from bankloop.kit.ids import digest_bytes
from bankloop.lake.load import load_bank
from bankloop.loop import model
from bankloop.report.exporting import csv_of, xlsx_of

_FORMULAS = ("=cmd|'/c calc'!A1", "+1", "-1+2", "@SUM(A1)", "\t=1")


class _Code:
    """What a pickle does when it is read."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self._mark), "w"))


@attack("files")
def hide_code_in_a_model(target: AttackTarget) -> None:
    """Put a model file in place that runs code when it is read."""
    mark, path = target.bank.folder / "it-ran", target.bank.folder / "evil.model"
    path.write_bytes(pickle.dumps(_Code(mark)))
    try:
        model.load_propensity(path, digest_bytes([path.read_bytes()]))
    except BankloopError:
        pass
    else:
        held(False, "the file was taken for a model")
    finally:
        path.unlink()
    held(not mark.exists(), "it ran")


@attack("files")
def exchange_a_model_after_its_approval(target: AttackTarget) -> None:
    """Change a model's file after it was approved."""
    folder = target.bank.folder / "data" / "models"
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    held(found, "no model to change")
    path = found[0]
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    try:
        model.load_propensity(path, digest_bytes([kept]))
    except BankloopError:
        pass
    else:
        held(False, "a changed model was read")
    finally:
        path.write_bytes(kept)


@attack("files")
def read_what_the_program_wrote(target: AttackTarget) -> None:
    """Read the bank's data as another user of the machine."""
    for path in (target.bank.folder / "data").rglob("*"):
        held(not stat.S_IMODE(path.lstat().st_mode) & 0o077, f"{path.name}: {oct(path.lstat().st_mode)}")


@attack("files")
def write_a_formula_into_an_export(target: AttackTarget) -> None:
    """Have a spreadsheet run what a customer wrote."""
    table = pa.table({"name": list(_FORMULAS)})
    body = csv_of(table).decode("utf-8-sig").splitlines()[1:]
    held(not any(line.lstrip('"').startswith(("=", "+", "-", "@", "\t")) for line in body), body)
    sheet = zipfile.ZipFile(io.BytesIO(xlsx_of(table, "x"))).read("xl/worksheets/sheet1.xml")
    held(b"<f>" not in sheet, "a formula in the sheet")


@attack("files")
def lose_rows_behind_a_quote(target: AttackTarget) -> None:
    """Lose rows of a delivery in silence by a quote that is never closed."""
    _deliver(target, lambda lines: [*lines[:2], b'"' + lines[2], *lines[3:]])


@attack("files")
def empty_a_table_by_a_header(target: AttackTarget) -> None:
    """Empty a table by a file that has a header and nothing else."""
    _deliver(target, lambda lines: lines[:1])


@attack("files")
def cut_a_delivery_in_the_middle(target: AttackTarget) -> None:
    """Have half a file loaded as a whole one."""
    _deliver(target, lambda lines: lines[: len(lines) // 2], counted=False)


@attack("files")
def freeze_a_table_by_another_century(target: AttackTarget) -> None:
    """Shadow all later deliveries by a folder of the year 2062."""
    other = _incoming(target).with_name("2062-01-01")
    shutil.copytree(_incoming(target), other)
    try:
        held(_stopped(target), "a delivery of 2062 was loaded")
    finally:
        shutil.rmtree(other)


@attack("files")
def follow_a_link_out_of_the_sources(target: AttackTarget) -> None:
    """Have a delivery read a file elsewhere on the machine through a link, and its content shown in an error."""
    secret = target.bank.folder.parent / "secret.txt"
    secret.write_text("canary-of-the-machine\n" * 3, encoding="utf-8")
    said = _deliver(target, lambda lines: lines, link=secret)
    held("canary-of-the-machine" not in said, said)


def _incoming(target: AttackTarget) -> Path:
    """Return the folder of the newest delivery."""
    return max((target.bank.folder / "data" / "incoming").iterdir())


def _deliver(
    target: AttackTarget,
    spoil: Callable[[list[bytes]], list[bytes]],
    *,
    counted: bool = True,
    link: Path | None = None,
) -> str:
    """Deliver the next day with a spoiled customers' file: the load stops, or no row is lost. Returns what it says.

    ``counted``: the control file beside it counts what is there.
    """
    target.move_on(timedelta(days=1))
    folder = _incoming(target).with_name((target.bank.lake.today() - timedelta(days=1)).isoformat())
    shutil.copytree(_incoming(target), folder)
    path = folder / "core" / "customer.dat"
    before, lines = target.bank.lake.version("customer").rows, spoil(path.read_bytes().splitlines(keepends=True))
    path.write_bytes(b"".join(lines))
    if counted:
        path.with_suffix(".ok").write_text(str(len(lines) - 1), encoding="utf-8")
    if link is not None:
        path.unlink()
        path.symlink_to(link)
    try:
        said = _stopped(target)
        held(said or target.bank.lake.version("customer").rows >= before * 0.98, "rows are gone")
        return said
    finally:
        shutil.rmtree(folder)


def _stopped(target: AttackTarget) -> str:
    """Load what is there and return in which words that stopped; empty where it went through."""
    try:
        load_bank(target.bank.folder, target.bank.lake)
    except BankloopError as error:
        return f"{error.message.en} {error.message.zh}"
    return ""


@attack("files")
def leave_the_folder_by_a_name(target: AttackTarget) -> None:
    """Read or write a file outside of the bank's folder by a name in an address."""
    client = target.api("hq_strategist")
    for name in ("../policies", "..%2fpolicies", "%2e%2e/policies", "/etc/passwd", "....//policies"):
        answer = client.get(f"{BASE}/campaigns/{name}/file")
        held(answer.status_code in (400, 404, 405, 422), f"{name}: {answer.status_code}")
        answer = client.put(f"{BASE}/campaigns/{name}/file", json={"text": "x: 1"}, headers={**key(), "if-match": "*"})
        held(answer.status_code >= 400, f"{name}: {answer.status_code}")


@attack("files")
def pack_a_list_to_fill_memory(target: AttackTarget) -> None:
    """Send a list of customers whose few kilobytes unpack to hundreds of megabytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
        book.writestr("xl/worksheets/sheet1.xml", b" " * (300 << 20))
    client = target.browser("hq_strategist")
    csrf = client.get("/lists").text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = client.post(
        "/lists",
        data={"csrf": csrf, "name": "bomb", "due": target.bank.lake.today().isoformat()},
        files={"file": ("list.xlsx", packed.getvalue(), "application/octet-stream")},
    )
    held(400 <= answer.status_code < 500, answer.status_code)
