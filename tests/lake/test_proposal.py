"""Ten messy banks load by what is proposed of them; what only a person knows is asked; what is no table is refused with its cure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from tests.messybanks import DATABASE, MESSY, Messy

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError, ConflictError, DataError, InputError
from bankloop.lake.proposal import looking
from bankloop.lake.proposal.asking import open_questions
from bankloop.lake.proposal.bringing import look_at_all, make_bank, try_proposal
from bankloop.lake.proposal.contracts import FileLook, Proposal
from bankloop.lake.proposal.proposing import propose
from bankloop.lake.proposal.writing import bank_yaml
from bankloop.lake.sources import read_sources

CLOCK = FixedClock(datetime(2026, 11, 29, 4, tzinfo=UTC))
TODAY, DAY = date(2026, 11, 29), date(2026, 11, 28)
N = 120


def looks(*files: str) -> tuple[FileLook, ...]:
    return look_at_all(files, TODAY)


def written(place: Path, name: str, content: str, encoding: str = "utf-8") -> str:
    (place / name).write_bytes(content.encode(encoding))
    return str(place / name)


def written_file(place: Path, content: str) -> str:
    return written(place, "c.csv", content)


def entry(proposal: Proposal, source: str, column: str) -> object:
    found = next(one for one in proposal.sources if one.name == source)
    return next((one.written for one in found.columns if one.column == column), None)


@pytest.mark.parametrize("make", MESSY, ids=lambda make: make.__name__)
def test_a_messy_bank_loads_whole_by_what_is_proposed(
    make: Callable[[Path, int], Messy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE, f"sqlite:///{tmp_path / 'core.db'}")
    messy = make(tmp_path, N)
    proposal = propose(looks(*messy.files), messy.answers, DAY)
    assert open_questions(proposal.questions, messy.answers) == ()
    trial = try_proposal(messy.files, proposal, CLOCK)
    assert trial.findings == ()
    assert all(one.good == one.read > 0 for one in trial.sources)
    assert all(one.preview for one in trial.sources)
    good = {one.table: one.good for one in trial.sources}
    assert {table: good.get(table) for table in messy.loads} == dict(messy.loads)
    assert {"unit", "staff", "customer"} <= good.keys()


def test_what_is_written_is_the_same_when_it_is_read(tmp_path: Path) -> None:
    messy = MESSY[0](tmp_path, N)
    proposal = propose(looks(*messy.files), {}, DAY)
    folder = tmp_path / "bank"
    make_bank(folder, messy.files, proposal)
    sources = {one.name: one for one in read_sources(folder)}
    customer = sources["customer"]
    assert (customer.encoding, customer.delimiter, customer.path) == ("gbk", "|@|", "*/客户信息[0-9]*.csv")
    assert customer.columns["gender"].values == (("男", "M"), ("女", "F"))
    assert customer.columns["sub_branch_id"].values == (("", "HQ"),)
    assert customer.columns["pension"].constant == "false"
    assert "no file says it" in (folder / "bank.yaml").read_text(encoding="utf-8")
    assert (folder / "data" / "incoming" / "2026-11-28" / "客户信息20261128.csv").read_bytes() == Path(
        messy.files[0]
    ).read_bytes()
    with pytest.raises(ConflictError, match="bank's folder already"):
        make_bank(folder, messy.files, proposal)


CUSTOMERS = "客户号,姓名,开户日期,机构\n1,王伟,2020-01-02,A\n2,李芳,2021-03-04,\n"


def test_consent_that_no_file_says_is_asked_and_nobody_s_by_proposal(tmp_path: Path) -> None:
    seen = looks(written(tmp_path, "c.csv", CUSTOMERS))
    proposal = propose(seen, {}, DAY)
    assert [(one.key, one.proposed) for one in proposal.questions] == [("customer.marketing_consent", "no")]
    assert entry(proposal, "customer", "marketing_consent") == {"constant": False}
    yes = propose(seen, {"customer.marketing_consent": "yes"}, DAY)
    assert entry(yes, "customer", "marketing_consent") == {"constant": True}


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("customer.marketing_consent", "perhaps", "init.no_such_answer"),
        ("customer.marketing_consnt", "yes", "init.no_such_question"),
    ],
)
def test_an_answer_that_fits_no_question_is_refused(tmp_path: Path, key: str, value: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        propose(looks(written(tmp_path, "c.csv", CUSTOMERS)), {key: value}, DAY)
    assert caught.value.code == code


CODED = "客户号,姓名,性别,开户日期,省份,学历,积分余额\n1,王伟,男,2020-01-02,福建,本科,100\n2,李芳,女,2021-03-04,广东,硕士,7\n"


@pytest.mark.parametrize("make", MESSY, ids=lambda make: make.__name__)
def test_choosing_what_is_proposed_changes_nothing(
    make: Callable[[Path, int], Messy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE, f"sqlite:///{tmp_path / 'core.db'}")
    messy = make(tmp_path, 20)
    seen = looks(*messy.files)
    proposal = propose(seen, messy.answers, DAY)
    chosen = {one.key: one.proposed for one in proposal.choices if one.proposed is not None}
    assert chosen
    assert len({one.key for one in (*proposal.choices, *proposal.questions)}) == len(
        proposal.choices + proposal.questions
    )
    assert bank_yaml(propose(seen, {**chosen, **messy.answers}, DAY)) == bank_yaml(proposal)


@pytest.mark.parametrize(
    ("answers", "column", "written"),
    [
        ({"customer.gender.男": "F"}, "gender", {"from": "性别", "values": {"男": "F", "女": "F"}}),
        ({"customer.region.from": "学历"}, "region", "学历"),
        ({"customer.region.from": "none"}, "region", None),
    ],
)
def test_what_the_files_say_is_answered_otherwise(
    tmp_path: Path, answers: dict[str, str], column: str, written: object
) -> None:
    seen = looks(written_file(tmp_path, CODED))
    assert entry(propose(seen, answers, DAY), "customer", column) == written


def test_a_column_that_is_chosen_is_no_longer_what_it_was_proposed_for(tmp_path: Path) -> None:
    seen = looks(written_file(tmp_path, CODED))
    proposal = propose(seen, {"customer.region.from": "性别"}, DAY)
    assert entry(proposal, "customer", "region") == "性别"
    assert entry(proposal, "customer", "gender") is None
    with pytest.raises(InputError) as caught:
        propose(seen, {"customer.region.from": "学历", "customer.employer_id.from": "学历"}, DAY)
    assert caught.value.code == "init.taken_twice"


def test_which_table_a_file_is_may_be_answered_where_it_is_plain(tmp_path: Path) -> None:
    seen = looks(written_file(tmp_path, CODED), written(tmp_path, "more.csv", CODED))
    assert "table.c.csv" in {one.key for one in propose(seen, {}, DAY).choices}
    assert propose(seen, {"table.more.csv": "skip"}, DAY).skipped == ("more.csv",)


def test_days_that_may_be_either_way_are_asked(tmp_path: Path) -> None:
    file = written(tmp_path, "c.csv", "客户号,姓名,开户日期\n1,王,03/04/2020\n2,李,05/06/2021\n")
    question = next(one for one in propose(looks(file), {}, DAY).questions if one.key == "customer.opened_on.date")
    assert (question.proposed, [value for value, _ in question.options]) == (None, ["%d/%m/%Y", "%m/%d/%Y"])
    told = propose(looks(file), {"customer.opened_on.date": "%m/%d/%Y"}, DAY)
    assert entry(told, "customer", "opened_on") == {"from": "开户日期", "date": "%m/%d/%Y"}
    plain = written(tmp_path, "d.csv", "客户号,姓名,开户日期\n1,王,03/04/2020\n2,李,25/06/2021\n")
    assert entry(propose(looks(plain), {}, DAY), "customer", "opened_on") == {"from": "开户日期", "date": "%d/%m/%Y"}


HOLDINGS = "账号,客户号,产品类型,余额,开户日期\n1,1,活期,100,2020-01-01\n2,2,余额宝,200,2020-01-01\n"


def test_whole_numbers_may_be_yuan_or_fen_and_a_code_may_be_unknown(tmp_path: Path) -> None:
    files = (written(tmp_path, "c.csv", CUSTOMERS), written(tmp_path, "a.csv", HOLDINGS))
    proposal = propose(looks(*files), {}, DAY)
    assert {"holding.balance_fen.unit", "holding.product_class.余额宝"} <= {one.key for one in proposal.questions}
    assert entry(proposal, "holding", "balance_fen") == {"from": "余额", "money": "yuan"}
    answers = {"holding.balance_fen.unit": "fen", "holding.product_class.余额宝": "fund"}
    told = propose(looks(*files), answers, DAY)
    assert entry(told, "holding", "balance_fen") == "余额"
    assert entry(told, "holding", "product_class") == {
        "from": "产品类型",
        "values": {"活期": "demand_deposit", "余额宝": "fund"},
    }
    assert try_proposal(files, told, CLOCK).findings == ()
    left = try_proposal(files, proposal, CLOCK).findings
    assert [(one.column, one.rule, one.examples) for one in left] == [("product_class", "allowed", ("余额宝",))]


def test_a_file_that_may_be_anything_is_asked_about_and_not_loaded_by_proposal(tmp_path: Path) -> None:
    files = (written(tmp_path, "c.csv", CUSTOMERS), written(tmp_path, "weather.csv", "day,rain\n2026-01-01,3\n"))
    proposal = propose(looks(*files), {}, DAY)
    assert proposal.skipped == ("weather.csv",)
    assert "weather.csv" in bank_yaml(proposal)
    assert next(one for one in proposal.questions if one.key == "table.weather.csv").proposed == "skip"


def test_files_without_customers_are_a_clear_stop(tmp_path: Path) -> None:
    seen = looks(written(tmp_path, "机构.csv", "机构号,机构名称,上级机构,机构级别\n1,总行,,总行\n"))
    with pytest.raises(DataError) as caught:
        propose(seen, {}, DAY)
    assert caught.value.code == "init.no_customers"


def test_a_file_without_a_header_asks_which_column_is_which(tmp_path: Path) -> None:
    file = written(tmp_path, "customers.txt", "100001\t王伟\t13812345678\n100002\t李芳\t13912345678\n")
    (look,) = looks(file)
    assert (look.delimiter, look.header) == ("\t", ("列1", "列2", "列3"))
    table = {"table.customers.txt": "customer"}
    question = next(one for one in propose([look], table, DAY).questions if one.key == "customer.customer_no")
    assert question.proposed is None
    told = propose([look], {**table, "customer.customer_no": "列1"}, DAY)
    assert entry(told, "customer", "customer_no") == "列1"
    assert try_proposal([file], told, CLOCK).findings == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|", "|@|", "\x01"])
def test_encoding_and_delimiter_are_seen(tmp_path: Path, encoding: str, sign: str) -> None:
    (look,) = looks(written(tmp_path, "c.csv", CUSTOMERS.replace(",", sign), encoding))
    assert (look.encoding == "gbk", look.delimiter) == (encoding == "gbk", sign)
    assert [one.name for one in look.columns] == ["客户号", "姓名", "开户日期", "机构"]


def _locked() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 100


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.csv", b"", "lake.empty_file"),
        ("secret.xlsx", _locked(), "lake.locked_file"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "lake.other_kind"),
        ("wide.csv", "客户号\n1\n".encode("utf-16"), "lake.other_kind"),
        ("core.db", b"SQLite format 3\x00" + b"\x00" * 100, "lake.other_kind"),
        ("cut.parquet", b"PAR1....", "lake.unreadable_file"),
        ("cut.xlsx", b"PK\x03\x04....", "file.not_xlsx"),
        ("dump.sql", b"INSERT INTO t VALUES (1);", "init.dump"),
        ("twice.csv", b"a,A\n1,2\n", "lake.duplicate_column"),
    ],
)
def test_what_is_no_table_is_refused_with_its_cure(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BankloopError) as caught:
        looks(str(tmp_path / name))
    assert caught.value.code == code
    assert caught.value.message.zh != caught.value.message.en


def test_names_that_cannot_be_are_refused(tmp_path: Path) -> None:
    one, two = written(tmp_path, "c.csv", CUSTOMERS), tmp_path / "again"
    two.mkdir()
    for given, code in (
        ([str(tmp_path)], "init.no_file"), ([str(tmp_path / "none.csv")], "init.no_file"),
        (["postgresql://reader:word@host/db"], "init.address"),  # pragma: allowlist secret
        ([one, written(two, "c.csv", CUSTOMERS)], "init.same_name"),
    ):  # fmt: skip
        with pytest.raises(BankloopError) as caught:
            looks(*given)
        assert caught.value.code == code
    assert "word" not in str(caught.value)


def test_of_a_large_file_the_first_part_is_looked_at_and_all_of_it_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SAMPLE", 4_000)
    body = "".join(f"{number},王伟,2020-01-02,A\n" for number in range(3_000))
    (look,) = seen = looks(written(tmp_path, "c.csv", "客户号,姓名,开户日期,机构\n" + body))
    assert look.sampled
    assert 0 < look.rows < 1_000
    trial = try_proposal([str(tmp_path / "c.csv")], propose(seen, {}, DAY), CLOCK)
    assert next(one.good for one in trial.sources if one.table == "customer") == 3_000


def test_a_workbook_s_empty_columns_are_passed_over(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["客户号", None, "姓名"], [1, None, "王"], [2, None, "李"]):
        book.active.append(row)
    book.save(tmp_path / "c.xlsx")
    (look,) = looks(str(tmp_path / "c.xlsx"))
    assert [one.name for one in look.columns] == ["客户号", "姓名"]
