"""The written bank: its shares, its dirt, its bytes. Shares set by quota are exact; drawn ones get four deviations."""

from __future__ import annotations

import csv
import errno
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from bankloop.kit.errors import EnvironmentFault, InputError, SpecError
from bankloop.simulate.contracts import EVENT_SCHEMA, SimulatedBank
from bankloop.simulate.parameters import DEFAULT, read_parameters
from bankloop.simulate.service import write_bank

AUM = {"demand_deposit", "term_deposit", "wealth", "fund", "insurance"}
SECRET_WORDS = ("password", "cvv", "pin", "密码", "验证码", "指纹", "人脸", "磁道")


@dataclass(frozen=True)
class Read:
    """The files parsed independently of the writer, defects left out."""

    people: dict[str, np.ndarray]
    holder: np.ndarray
    product_class: np.ndarray
    product: np.ndarray
    balance: np.ndarray
    matures: np.ndarray
    renews: np.ndarray
    aum: np.ndarray

    def holds(self, name: str) -> np.ndarray:
        return np.bincount(self.holder[self.product_class == name], minlength=len(self.aum)) > 0


def read_customers(night: Path) -> tuple[list[str], list[bytes]]:
    lines = (night / "core" / "customer.dat").read_bytes().splitlines()
    return lines[0].decode("gbk").split("|@|"), lines[1:]


@pytest.fixture(scope="module")
def read(bank: SimulatedBank, night: Path) -> Read:
    header, lines = read_customers(night)
    rows = [line.decode("gbk").split("|@|") for line in lines[: bank.customers]]
    people = {name: np.array(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}
    with (night / "core" / "holding.csv").open(encoding="utf-8-sig", newline="") as file:
        held = list(csv.reader(file))[1 : bank.rows["holding"] + 1]
    columns = [np.array(column) for column in zip(*held, strict=True)]
    holder = np.array([int(number[1:]) - 1 for number in columns[1]])
    balance = columns[4].astype(float)
    counts = np.isin(columns[2], list(AUM))
    aum = np.bincount(holder[counts], balance[counts], bank.customers)
    return Read(people, holder, columns[2], columns[3], balance, columns[6], columns[7], aum)


def near(found: float, wanted: float, count: int) -> bool:
    """Return whether a quota is met: off by rounding at most."""
    return abs(found - wanted) <= 2.5 / count


def drawn(found: float, wanted: float, count: int) -> bool:
    """Return whether a drawn share lies within four standard deviations."""
    return bool(abs(found - wanted) <= 4 * (wanted * (1 - wanted) / count) ** 0.5)


def test_same_seed_same_bytes_and_another_seed_other_customers(tmp_path: Path) -> None:
    made = {}
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_bank(tmp_path / name, 1500, seed, months=2)
        made[name] = {
            path.relative_to(tmp_path / name).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((tmp_path / name).rglob("*"))
            if path.is_file()
        }
    assert made["a"] == made["b"]
    assert (
        made["a"]["data/incoming/2026-11-21/core/customer.dat"]
        != made["c"]["data/incoming/2026-11-21/core/customer.dat"]
    )


def test_tiers_and_aum(bank: SimulatedBank, read: Read) -> None:
    parameters = read_parameters()
    tier = np.searchsorted(parameters.numbers("tiers.cut_offs"), read.aum + 0.02, side="right") - 1
    for number, share in enumerate(parameters.numbers("tiers.shares")):
        assert near(float((tier == number).mean()), share, bank.customers), number
    means = np.array(parameters.numbers("tiers.means")) @ np.array(parameters.numbers("tiers.shares"))
    assert abs(read.aum.mean() - means) < 4 * read.aum.std() / bank.customers**0.5
    assert round(float(read.aum.sum()) * 100) == bank.aum_fen


def test_holdings(bank: SimulatedBank, read: Read) -> None:
    parameters, n = read_parameters(), bank.customers
    shares = {name: float(read.holds(name).mean()) for name in np.unique(read.product_class)}
    assert shares["demand_deposit"] == 1.0
    for name in (
        "term_deposit",
        "wealth",
        "fund",
        "insurance",
        "credit_card",
        "mortgage",
        "consumer_loan",
        "debit_card",
    ):
        assert near(shares[name], parameters.number(f"holdings.{name}"), n), name
    assert 2.2 < sum(shares.values()) < 2.4
    deposits = np.isin(read.product_class, ["demand_deposit", "term_deposit"])
    invested = np.isin(read.product_class, ["wealth", "fund", "insurance"])
    share = read.balance[deposits].sum() / read.balance[deposits | invested].sum()
    assert abs(share - parameters.number("holdings.deposits_of_aum")) < 0.005
    upper = read.aum >= 50_000
    assert near(float(read.holds("wealth")[upper].mean()), 0.28, int(upper.sum()))


@pytest.mark.parametrize(
    ("column", "parameter"),
    [
        ("养老金", "people.pension"),
        ("商户主", "people.merchant_owner"),
        ("员工标志", "people.staff"),
        ("营销同意", "consent.marketing"),
        ("禁拨", "consent.do_not_contact"),
        ("关闭个性化", "consent.personalisation_off"),
        ("空号标志", "consent.bad_phone"),
        ("反洗钱关注", "consent.watchlist"),
        ("手机银行", "digital.app_registered"),
        ("允许推送", "digital.push_allowed"),
        ("企微好友", "digital.wecom_friend"),
        ("绑卡标志", "holdings.wallet_bound"),
    ],
)
def test_flags_have_their_share(bank: SimulatedBank, read: Read, column: str, parameter: str) -> None:
    assert set(np.unique(read.people[column])) <= {"0", "1"}
    assert near(float((read.people[column] == "1").mean()), read_parameters().number(parameter), bank.customers)


def test_payroll_ages_and_overdue(bank: SimulatedBank, read: Read) -> None:
    assert near(float((read.people["代发单位"] != "").mean()), 0.16, bank.customers)
    assert near(float((read.people["逾期天数"] != "0").mean()), 0.022, bank.customers)
    born = np.array([int(day) for day in read.people["出生日期"]])
    # Ages are drawn in years of 365.2425 days: a few birthdays fall on the other side.
    assert abs(float((born > 20081122).mean()) - 0.03) < 0.002
    assert abs(float((born <= 19611122).mean()) - 0.14) < 0.002


def test_assessments_are_valid_where_the_parameters_say(read: Read) -> None:
    day = np.array([int(text or 0) for text in read.people["测评日期"]])
    valid = day > 20251122
    wealth, payroll = read.holds("wealth"), read.people["代发单位"] != ""
    for group, share in ((wealth, 0.90), (payroll & ~wealth, 0.45), (~payroll & ~wealth, 0.30)):
        assert near(float(valid[group].mean()), share, int(group.sum()))
    level = read.people["风险等级"]
    assert ((level != "") == (day > 0)).all()
    for number, share in enumerate(read_parameters().numbers("assessment.tolerance"), start=1):
        assert near(float((level[level != ""] == str(number)).mean()), share, int((level != "").sum()))


def test_maturities_follow_the_season(read: Read) -> None:
    yearly = read.product == "term-deposit-1y"
    first = np.isin([day[5:7] for day in read.matures[yearly]], ["01", "02", "03"])
    assert drawn(float(first.mean()), 0.35, len(first))
    assert min(read.matures[read.product_class == "term_deposit"]) >= "2026-11-22"
    large = read.balance[(read.product_class == "term_deposit") & (read.balance >= 20_000)]
    assert abs(large.mean() - 110_000) < 4 * large.std() / len(large) ** 0.5
    renews = read.renews[read.product_class == "term_deposit"]
    assert near(float((renews == "是").mean()), 0.55, len(renews))


def test_books_are_held_by_managers_of_the_same_sub_branch(bank: SimulatedBank, read: Read, night: Path) -> None:
    managed = read.people["管户经理"] != ""
    assert (managed == (read.aum >= 49_999.9)).all()
    book = openpyxl.load_workbook(night / "hr" / "staff.xlsx", read_only=True)
    place = {row[0]: row[1] for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)}
    assert all(
        place[manager] == unit
        for manager, unit in zip(read.people["管户经理"][managed], read.people["支行号"][managed], strict=True)
    )
    assert bank.branches >= 3


def test_people_are_fictional_and_hold_no_secrets(read: Read, night: Path) -> None:
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    for number in read.people["证件号码"][:500]:
        assert number.startswith("99")
        assert number[17] == "10X98765432"[sum(int(d) * w for d, w in zip(number, weights, strict=False)) % 11]
    assert all(number.startswith("142") and len(number) == 11 for number in read.people["手机号"])
    assert len(set(read.people["手机号"])) == len(read.people["手机号"])
    header = " ".join(read_customers(night)[0]).lower()
    assert not any(word in header for word in SECRET_WORDS)


def test_defects_are_as_many_as_stated(bank: SimulatedBank, night: Path) -> None:
    header, lines = read_customers(night)
    assert int((night / "core" / "customer.ok").read_text()) == len(lines)
    place = {name: number for number, name in enumerate(header)}
    found: Counter[str] = Counter()
    seen: set[str] = set()
    for line in lines:
        try:
            cells = line.decode("gbk").split("|@|")
        except UnicodeDecodeError:
            found["customer/broken_bytes"] += 1
            continue
        found["customer/duplicate_key"] += cells[0] in seen
        seen.add(cells[0])
        found["customer/bad_phone"] += not cells[place["手机号"]].isdigit()
        found["customer/future_date"] += cells[place["开户日期"]] > "20261122"
        found["customer/unknown_unit"] += cells[place["支行号"]] == "S9999"
    with (night / "core" / "holding.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            found["holding/unknown_customer"] += row["客户号"] > f"C{bank.customers:08d}"
            found["holding/unknown_class"] += row["产品大类"] == "lottery"
    last = pq.read_table(night / "events" / "2026-11.parquet")
    found["event/future_date"] += sum(moment.date() > date(2026, 11, 22) for moment in last["occurred_at"].to_pylist())
    assert dict(found) == bank.defects
    assert (night / ".ok").exists()


def test_events_are_conformed_and_as_many_as_asked(bank: SimulatedBank, night: Path) -> None:
    files = sorted((night / "events").glob("*.parquet"))
    assert len(files) == 13
    table = pa.concat_tables(pq.read_table(file) for file in files)
    assert table.schema.equals(EVENT_SCHEMA)
    assert table.num_rows == bank.rows["event"] + bank.defects["event/future_date"]
    # Events before an account was opened and half of the festival week's are not made: 1 to 2 %.
    assert 0.96 < bank.rows["event"] / (20 * bank.customers) < 1.02
    assert len(set(table["event_id"].to_pylist())) == table.num_rows
    october = pq.read_table(night / "events" / "2026-10.parquet").to_pydict()
    active = {c for c, kind in zip(october["customer_no"], october["type"], strict=True) if kind == "login"}
    assert abs(len(active) / bank.customers - 0.24) < 0.015


def test_salaries_know_the_festival(night: Path) -> None:
    paid = {}
    for month in ("2026-01", "2026-06"):
        table = pq.read_table(night / "events" / f"{month}.parquet").to_pydict()
        paid[month] = sum(f for f, kind in zip(table["amount_fen"], table["type"], strict=True) if kind == "payroll")
    assert abs(paid["2026-01"] / paid["2026-06"] - 1.8) < 0.05


def test_files_a_person_edited_stay(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text("name: mine\n")
    write_bank(tmp_path, 300, 1, months=1)
    assert (tmp_path / "bank.yaml").read_text() == "name: mine\n"
    assert yaml.safe_load((tmp_path / "campaigns" / "bind-card.yaml").read_text(encoding="utf-8"))["format"] == 1


def test_a_bank_can_bring_its_own_parameters(tmp_path: Path) -> None:
    changed = tmp_path / "mine.yaml"
    changed.write_text(
        DEFAULT.read_text(encoding="utf-8").replace("payroll: {value: 0.16", "payroll: {value: 0.5"), encoding="utf-8"
    )
    write_bank(tmp_path / "bank", 1000, 1, months=1, parameters=changed)
    _, lines = read_customers(tmp_path / "bank" / "data" / "incoming" / "2026-11-21")
    assert sum(line.decode("gbk").split("|@|")[12] != "" for line in lines[:1000]) == 500


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    write_bank(tmp_path, 300, 1, months=2, progress=lambda part, done, total: seen.append((part, done, total)))
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert seen[-1] == ("events 2026-11", len(seen) - 1, len(seen))


def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(EnvironmentFault, match=r"simulate\.no_space"):
        write_bank(tmp_path, 300, 1, months=1)
    assert not (tmp_path / "data" / "incoming" / "2026-11-21" / ".ok").exists()


def test_bad_sizes_and_parameters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"simulate\.size"):
        write_bank(tmp_path, 10, 1)
    with pytest.raises(InputError, match=r"simulate\.months"):
        write_bank(tmp_path, 1000, 1, months=0)
    lacking = tmp_path / "lacking.yaml"
    lacking.write_text("people:\n  minors: 0.03\n")
    with pytest.raises(SpecError, match=r"simulate\.parameter_form"):
        write_bank(tmp_path, 1000, 1, parameters=lacking)
    lacking.write_text("people:\n  minors: {value: 0.03, source: J}\n")
    with pytest.raises(SpecError, match=r"simulate\.parameter_missing"):
        write_bank(tmp_path, 1000, 1, parameters=lacking)
    assert not (tmp_path / "data").exists()
