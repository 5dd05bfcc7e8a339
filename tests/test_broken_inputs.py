"""A hundred inputs that cannot be, at every door: each is refused with its code, place, reason and cure, in words of ours."""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from bankloop.care.maturity.rules import read_care
from bankloop.care.worklist.pacing import read_pace
from bankloop.care.worklist.reading import read_rows
from bankloop.cli.application import application
from bankloop.customer.catalogue import read_catalogue
from bankloop.customer.contribution.rules import read_cards
from bankloop.customer.identity.reading import read_records
from bankloop.customer.servicing.rules import read_policy
from bankloop.customer.tier.rules import read_tier_rules
from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError
from bankloop.kit.expression import BOOL, parse
from bankloop.lake.load import load_bank
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from bankloop.lake.trial import try_load
from bankloop.loop.evaluate.metrics import read_metrics
from bankloop.loop.evaluate.policy.contracts import LoggedFile
from bankloop.loop.evaluate.policy.logged import read_experiment
from bankloop.loop.spec import read_bank_spec
from bankloop.performance.journeys import read_journeys
from tests.lake.conftest import NOW
from tests.lake.test_hostile_files import book, with_part
from tests.lake.test_load import BANK, EMPLOYERS, UNITS, employers, event, schema_of_event, write
from tests.loop.people import BANK as FILES
from tests.loop.people import TYPES
from tests.refusals import no_engine_in, sound, sound_error

OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600
LOCKED = OLD_EXCEL + "EncryptedPackage".encode("utf-16-le")


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def events(**columns: Any) -> bytes:
    """Two events of which some columns are written anew."""
    table = pa.Table.from_pylist([event(1), event(2)], schema=schema_of_event())
    for name, values in columns.items():
        table = table.drop_columns([name]) if values is None else table.set_column(table.column_names.index(name), name, [values])  # fmt: skip
    return parquet(table)


XLSX = ('path: "*/unit.csv", format: csv', 'path: "*/unit.xlsx", format: xlsx')
GZIP = ('path: "*/unit.csv", format: csv', 'path: "*/unit.csv.gz", format: csv')
QUERY = '\n  units:\n    table: unit\n    query: "{}"\n    files: {{u: {{path: "*/unit.csv", format: csv}}}}\n'
UNIT_LINE = '\n  units: {table: unit, path: "*/unit.csv", format: csv}\n'
HEAD = "unit_id,parent_id,kind,name_zh,name_en\n"

# What stands in bank.yaml, what is delivered in its place, and the place that the refusal must name.
Delivered = tuple[str, tuple[str, str] | None, Mapping[str, bytes | None], str]
LOADED: tuple[Delivered, ...] = (
    ("an empty file", None, {"unit.csv": b""}, "unit.csv"),
    ("a doubled header", None, {"unit.csv": HEAD.replace("parent_id", "unit_id").encode()}, "unit_id"),
    ("a header doubled by case", None, {"unit.csv": HEAD.replace("parent_id", "UNIT_ID").encode()}, "UNIT_ID"),
    ("a column that lacks", None, {"unit.csv": b"unit_id,parent_id,name_zh,name_en\n0,,x,y\n"}, "kind"),
    ("a column that nobody knows", None, {"unit.csv": HEAD[:-1].encode() + b",colour\n"}, "colour"),
    ("another encoding in the header", None, {"employer.csv": "单位号|@|名称|@|发薪日|@|机构|@|备注\n".encode()}, "employer.csv"),
    ("a workbook called csv", None, {"unit.csv": book(("a",))}, "unit.csv"),
    ("UTF-16 called csv", None, {"unit.csv": HEAD.encode("utf-16")}, "unit.csv"),
    ("an old workbook called csv", None, {"unit.csv": OLD_EXCEL}, "unit.csv"),
    ("a database called csv", None, {"unit.csv": b"SQLite format 3\0" + b"\0" * 99}, "unit.csv"),
    ("text called parquet", None, {"event.parquet": b"a,b\n1,2\n"}, "event.parquet"),
    ("a parquet cut short", None, {"event.parquet": events()[:-40]}, "event.parquet"),
    ("a parquet of nothing", None, {"event.parquet": b"PAR1"}, "event.parquet"),
    ("amounts that are words", None, {"event.parquet": events(amount_fen=pa.array(["much", "more"]))}, "amount_fen"),
    ("moments that are numbers", None, {"event.parquet": events(occurred_at=pa.array([1, 2]))}, "occurred_at"),
    ("keys that are lists", None, {"event.parquet": events(event_id=pa.array([[1], [2]]))}, "event_id"),
    ("no key at all", None, {"event.parquet": events(event_id=None)}, "event_id"),
    ("codes that nobody knows", None, {"unit.csv": (HEAD + "0,,planet,x,y\n").encode()}, "units"),
    ("a quote in the header", None, {"unit.csv": ('"' + HEAD).encode()}, "unit.csv"),
    ("nothing but zeros", None, {"unit.csv": b"\0" * 500}, "unit.csv"),
    ("any bytes called xlsx", XLSX, {"unit.xlsx": b"MZ not at all"}, "unit.xlsx"),
    ("a zip without a sheet", XLSX, {"unit.xlsx": packed("a.txt")}, "unit.xlsx"),
    ("a workbook cut short", XLSX, {"unit.xlsx": book(("a",))[:-100]}, "unit.xlsx"),
    ("a sheet that is broken", XLSX, {"unit.xlsx": with_part(book(("a",)), "xl/worksheets/sheet1.xml", "<x><y")}, "unit.xlsx"),
    ("a doubled header in a sheet", XLSX, {"unit.xlsx": book(("unit_id", "kind", "unit_id"))}, "unit_id"),
    ("a workbook with a password", XLSX, {"unit.xlsx": LOCKED}, "unit.xlsx"),
    ("an xls", XLSX, {"unit.xlsx": OLD_EXCEL}, "unit.xlsx"),
    ("gzip cut short", GZIP, {"unit.csv.gz": gzip.compress(UNITS.encode())[:-6]}, "unit.csv.gz"),
    ("text called gzip", GZIP, {"unit.csv.gz": UNITS.encode()}, "unit.csv.gz"),
    ("sources that are a list", ("sources:\n", "sources: [a]\nothers:\n"), {}, "bank.yaml:"),
    ("a table that there is not", ("table: unit,", "table: unitt,"), {}, "unitt"),
    ("a format that there is not", ("format: csv}", "format: pdf}"), {}, "pdf"),
    ("an encoding that there is not", ("encoding: gbk", "encoding: klingon"), {}, "klingon"),
    ("a delimiter of nothing", ('delimiter: "|@|"', 'delimiter: ""'), {}, "bank.yaml:"),
    ("a limit in words", ("reject_above: 40%", "reject_above: lots"), {}, "bank.yaml:"),
    ("a zone that there is not", ("Asia/Shanghai", "Mars/Olympus"), {}, "bank.yaml:2"),
    ("a tab in YAML", ("    table: employer", "\ttable: employer"), {}, "bank.yaml:"),
    ("an indent that breaks", ("    format: csv\n    encoding", "      format: csv\n    encoding"), {}, "bank.yaml:"),
    ("a quote that is not closed", ('delimiter: "|@|"', 'delimiter: "|@|'), {}, "bank.yaml:"),
    ("a brace that is not closed", ("format: csv}\n  employers", "format: csv\n  employers"), {}, "bank.yaml:"),
    ("a name twice", ("    encoding: gbk", "    encoding: gbk\n    encoding: utf-8"), {}, "encoding"),
    ("an alias of nothing", ("reject_above: 40%", "reject_above: *some"), {}, "bank.yaml:"),
    ("a tag of a language", ("reject_above: 40%", "reject_above: !!python/name:os.system"), {}, "bank.yaml:"),
    ("a day that there is not", ("reject_above: 40%", "reject_above: 2026-13-45"), {}, "bank.yaml:"),
    ("a mapping of a column that lacks", ("payday: 发薪日", "payday: 发薪天"), {}, "发薪天"),
    ("a column that the table lacks", ("payday: 发薪日", "wage: 发薪日"), {}, "wage"),
    ("a query that is no SQL", (UNIT_LINE, QUERY.format("SELEC * FRM u")), {}, "bank.yaml:"),
    ("a query that writes", (UNIT_LINE, QUERY.format("DROP TABLE u")), {}, "SELECT"),
    ("a query of a table that lacks", (UNIT_LINE, QUERY.format("SELECT * FROM brunch")), {}, "brunch"),
    ("a query of a column that lacks", (UNIT_LINE, QUERY.format("SELECT colour FROM u")), {}, "colour"),
    ("a query that cannot be computed", (UNIT_LINE, QUERY.format("SELECT CAST(unit_id AS DATE) AS unit_id FROM u")), {}, "bank.yaml:"),
    ("a query that reads elsewhere", (UNIT_LINE, QUERY.format("SELECT * FROM read_csv('/etc/passwd')")), {}, "bank.yaml:"),
    ("a database without an address", (UNIT_LINE, '\n  units: {table: unit, query: "SELECT 1", database: NO_SUCH_VARIABLE}\n'), {}, "NO_SUCH_VARIABLE"),
)  # fmt: skip


def deliver(folder: Path, bank: tuple[str, str] | None, files: Mapping[str, bytes | None]) -> None:
    """Write a sound delivery of which something is put in another's place."""
    assert bank is None or bank[0] in BANK, bank
    folder.joinpath("bank.yaml").write_text(BANK.replace(*bank, 1) if bank else BANK, encoding="utf-8")
    whole = {"unit.csv": UNITS.encode(), "employer.csv": employers(*EMPLOYERS), "event.parquet": events(), **files}
    for name, content in whole.items():
        write(folder, name, content or b"")


@pytest.mark.parametrize(("bank", "files", "place"), [c[1:] for c in LOADED], ids=[c[0] for c in LOADED])
def test_a_load_refuses_it(
    tmp_path: Path, bank: tuple[str, str] | None, files: Mapping[str, bytes | None], place: str
) -> None:
    deliver(tmp_path, bank, files)
    with pytest.raises(BankloopError) as refused:
        load_bank(tmp_path, Lake(tmp_path, MemoryManifest(), FixedClock(NOW), memory="512MB", threads=1))
    sound_error(refused.value, place, f"{bank}")


@pytest.mark.parametrize(("bank", "files", "place"), [c[1:] for c in LOADED], ids=[c[0] for c in LOADED])
def test_a_trial_of_the_data_finds_it(
    tmp_path: Path, bank: tuple[str, str] | None, files: Mapping[str, bytes | None], place: str
) -> None:
    deliver(tmp_path, bank, files)
    try:
        found = try_load(tmp_path, FixedClock(NOW))
    except BankloopError as error:
        sound_error(error, place, f"{bank}")
        return
    assert found.findings
    assert any(place.removesuffix(":") in f"{one}" for one in found.findings), found.findings
    for one in found.findings:
        for words in (one.said.zh, one.said.en, " ".join(one.examples)):
            no_engine_in(words, f"{bank}")


# File of the bank's own, what stands in it, what is put in its place, and what the refusal must name.
WRITTEN = (
    ("campaigns/bind-card.yaml", "format: 1", "format: 2", "bind-card.yaml:1"),
    ("campaigns/bind-card.yaml", "campaign: bind-card", "campaign: Bind Card", "campaign"),
    ("campaigns/bind-card.yaml", "campaign: bind-card", "campaign: [bind-card]", "campaign"),
    ("campaigns/bind-card.yaml", "campaign: bind-card", "campaign: 7", "campaign"),
    ("campaigns/bind-card.yaml", "products: [debit-card-wallet]", "products: debit-card-wallet", "products"),
    ("campaigns/bind-card.yaml", "products: [debit-card-wallet]", "products: []", "products"),
    ("campaigns/bind-card.yaml", "products: [debit-card-wallet]", "products: [{a: 1}]", "products"),
    ("campaigns/bind-card.yaml", "budget: 15000 CNY", "budget: 15000 USD", "budget"),
    ("campaigns/bind-card.yaml", "budget: 15000 CNY", "budget: -1", "budget"),
    ("campaigns/bind-card.yaml", "budget: 15000 CNY", "budget: 1e400", "budget"),
    ("campaigns/bind-card.yaml", "within: 30d", "within: 99999d", "within"),
    ("campaigns/bind-card.yaml", "within: 30d", "within: null", "within"),
    ("campaigns/bind-card.yaml", "channels: [app_push, sms, app_banner, vtm_screen]", "channels: {}", "channels"),
    ("campaigns/bind-card.yaml", "audience:", "audiences:", "audience"),
    ("products.yaml", "class: payment", "class: teapot", "products.yaml:"),
    ("products.yaml", "risk: {issuer: R2, seller: R2}", "risk: {issuer: R9, seller: R2}", "products.yaml:"),
    ("products.yaml", "risk: {issuer: R2, seller: R2}", "risk: high", "products.yaml:"),
    ("products.yaml", "margin: 0.4%", "margin: 40", "margin"),
    ("products.yaml", "key: wealth-fixed-income", "key: debit-card-wallet", "products.yaml:"),
    ("policies.yaml", 'quiet_hours: {from: "21:00"', 'quiet_hours: {from: "25:00"', "policies.yaml:"),
    ("policies.yaml", "limit: 2, days: 30", "limit: two, days: 30", "limit"),
    ("policies.yaml", "delivery: file", "delivery: pigeon", "policies.yaml:"),
    ("policies.yaml", "window: 30d", "window: soon", "window"),
    ("policies.yaml", "working_days: true", "working_days: perhaps", "working_days"),
    ("policies.yaml", "where: age < 30", "where: age <", "policies.yaml:"),
    ("policies.yaml", "minutes: 12", "minutes: 1.5.2", "minutes"),
    ("benefits.yaml", "format: 1", "format: one", "benefits.yaml:"),
    ("scripts/bind-card.yaml", "version: 2", "version: two", "version"),
    ("scripts/bind-card.yaml", "state: approved", "state: done", "state"),
    ("solutions/payroll-start.yaml", "format: 1", "format: ", "payroll-start.yaml:"),
)  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "place"), WRITTEN)
def test_a_bank_s_own_file_is_refused(tmp_path: Path, file: str, old: str, new: str, place: str) -> None:
    folder = tmp_path / "bank"
    shutil.copytree(FILES, folder)
    path = folder / file
    written = path.read_text(encoding="utf-8")
    assert old in written, (file, old)
    path.write_text(written.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BankloopError) as refused:
        read_bank_spec(folder, TYPES)
    sound_error(refused.value, place, new)


READERS: Mapping[str, Callable[[Path], object]] = {
    "attributes/own.yaml": read_catalogue, "tiers.yaml": read_tier_rules, "contribution.yaml": read_cards, "servicing.yaml": read_policy,
    "care.yaml": read_care, "worklist.yaml": read_pace, "metrics.yaml": read_metrics,
    "journeys.yaml": read_journeys,
}  # fmt: skip
CONTENTS = (b"- a\n- b\n", b"words\n", b"a: [1, 2\n", b"a: 'b\n", b"\xff\xfe\x00", b"a: 1\na: 2\n", b"rules: 5\nmetrics: 5\nattributes: 5\nrates: 5\nmaturity: 5\nhead_office_tasks: 5\ntiers: 5\njourneys: 5\n")  # fmt: skip


@pytest.mark.parametrize("content", CONTENTS, ids=[repr(one[:12]) for one in CONTENTS])
@pytest.mark.parametrize("file", READERS)
def test_a_file_of_rules_is_refused(tmp_path: Path, file: str, content: bytes) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(BankloopError) as refused:
        READERS[file](tmp_path)
    sound_error(refused.value, path.name, content.decode(errors="replace"))


EXPRESSIONS = (
    "", "aum >", "aum >= 'x'", "agee > 3", "aum and 3", "(", ")", "aum >= 50000; drop table customer", "age like 3", "age between 3",
    "nosuch(age)", "age / 0 > 1", "'", "age in ()", "age > 1e400", "age = null", "gender = 3", "not", "age > 3 age", "case when age",
    "select 1", "age > 99999999999999999999999", "age > 3.5.1", "age > 'ten'", "aum > -", "* > 3", "age >> 3", "a" * 5_000,
    "(" * 300 + "age > 3" + ")" * 300,
)  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS, ids=[repr(one[:24]) for one in EXPRESSIONS])
def test_an_expression_is_refused(text: str) -> None:
    with pytest.raises(BankloopError) as refused:
        parse(text, TYPES, wants=BOOL)
    sound_error(refused.value, "1", text)


LISTS = (
    (b"", "xlsx"), (b"MZ not at all", "xlsx"), (OLD_EXCEL, "xlsx"), (LOCKED, "xlsx"), (packed("a.txt"), "xlsx"), (book(("a",))[:-60], "xlsx"),
    (book(("姓名",), ("x",)), "姓名"), (book(("客户号", "客户编号")), "客户编号"), (b"\0" * ((20 << 20) + 1), "xlsx"),
)  # fmt: skip


@pytest.mark.parametrize(("body", "place"), LISTS, ids=[str(at) for at in range(len(LISTS))])
def test_a_list_is_refused(body: bytes, place: str) -> None:
    with pytest.raises(BankloopError) as refused:
        read_rows(body)
    sound_error(refused.value, place)


RECORDS = (
    ("a.txt", b"x"), ("a.csv", b""), ("a.csv", b"name\nx\n"), ("a.parquet", b"PAR1 cut"), ("gone.csv", None),
    ("a.parquet", parquet(pa.table({"source_key": pa.array([[1]])}))),
)  # fmt: skip


@pytest.mark.parametrize(("name", "body"), RECORDS, ids=[str(at) for at in range(len(RECORDS))])
def test_a_register_is_refused(tmp_path: Path, name: str, body: bytes | None) -> None:
    if body is not None:
        (tmp_path / name).write_bytes(body)
    with pytest.raises(BankloopError) as refused:
        read_records(tmp_path / name)
    sound_error(refused.value, name)


LOGGED = (
    ("l.csv", b"score,paid\n1,2\n1,2,3\n"), ("l.csv", b"score,paid\n1,much\n"), ("l.csv", b"score,paid\n1,1e300\n"), ("l.csv", b"score\n1\n"),
    ("l.csv", b"\xff\xfe\x00"), ("l.csv", b""), ("l.csv", b"score,paid\n"), ("l.parquet", b"PAR1 cut"),
    ("l.parquet", parquet(pa.table({"score": [date(2026, 6, 30)], "paid": [1.0]}))),
)  # fmt: skip


@pytest.mark.parametrize(("name", "body"), LOGGED, ids=[str(at) for at in range(len(LOGGED))])
def test_a_log_is_refused(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    columns = {
        "score": {"from": "score", "type": "number", "missing": 0.0},
        "paid": {"from": "paid", "type": "money", "missing": 0.0},
    }
    label = {"zh": "甲", "en": "x"}
    file = LoggedFile.model_validate({"file": name, "origin": label, "licence": label, "columns": columns})
    with pytest.raises(BankloopError) as refused:
        read_experiment(tmp_path, file)
    sound_error(refused.value, name)


COMMANDS = (
    ("nothing", "nothing"), ("plan --round x", "--round"), ("plan --round 0", "--round"), ("plan --start 2026-13-01", "--start"),
    ("plan --nothing", "--nothing"), ("plan --round", "--round"), ("check extra", "extra"), ("approve", "NAME"), ("audit nothing", "nothing"),
    ("jobs --retry x", "--retry"), ("metrics --as-of soon", "--as-of"), ("list take", "FILE"), ("top bind-card --share 2", "--share"),
    ("serve --port 99999999", "--port"), ("customer show", "NUMBER"), ("--nothing", "--nothing"), ("approve a b c", "b"),
    ("check --bank {nowhere}", "nowhere"), ("init {here}/bank --from {here}/gone.csv", "gone.csv"), ("init {here}/bank --from {here}", "{here}"),
    ("init {here}/bank --from {here}/empty.csv", "empty.csv"), ("init {here}/bank --from {here}/cut.xlsx", "cut.xlsx"),
    ("init {here}/bank --from {here}/cut.parquet", "cut.parquet"), ("init {here}/bank --from {here}/old.xls", "old.xls"),
    ("init {here}/bank --from {here}/good.csv --answer yes", "yes"), ("init {here}/bank --from {here}/good.csv --answer no.such=x --yes", "no.such"),
    ("check --data --bank {here}/broken", "bank.yaml"), ("check --bank {here}/listed", "bank.yaml"),
)  # fmt: skip
DELIVERIES: Mapping[str, bytes] = {
    "empty.csv": b"", "cut.xlsx": b"PK\x03\x04....", "cut.parquet": b"PAR1....", "old.xls": OLD_EXCEL, "good.csv": "客户号,姓名\n1,王伟\n".encode(),
    "broken/bank.yaml": b"sources: [\n", "listed/bank.yaml": b"- a\n",
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("words", "place"), COMMANDS, ids=[one[0] for one in COMMANDS])
def test_a_command_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, place: str, language: str
) -> None:
    for name, body in DELIVERIES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)
    monkeypatch.setenv("BANKLOOP_LANG", language)
    asked = [one.format(here=tmp_path, nowhere=tmp_path / "nowhere") for one in words.split()]
    done = CliRunner().invoke(application, asked)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (2, 3, 5), done.output
    code, _, said = done.stderr.strip().splitlines()[0].partition(": ")
    other = {"zh": "甲；乙", "en": "a; b"}
    zh, en = (said, other["en"]) if language == "zh" else (other["zh"], said)
    place = place.format(here=tmp_path)
    sound(code, zh if language == "zh" else f"{zh} {place}", en if language == "en" else f"{en} {place}", place, words)
    assert done.stderr.count("\n") == 1
    assert "bank" not in {one.name for one in tmp_path.iterdir()}


def test_what_is_refused_is_json_where_that_is_asked_for() -> None:
    done = CliRunner().invoke(application, ["plan", "--round", "x", "--json"])
    assert done.stdout.startswith('{"error": {"code": "command.usage", "zh": "--round')


def test_there_are_a_hundred() -> None:
    tables = (LOADED, WRITTEN, EXPRESSIONS, LISTS, RECORDS, LOGGED, COMMANDS)
    assert sum(map(len, tables)) + len(CONTENTS) * len(READERS) >= 200
