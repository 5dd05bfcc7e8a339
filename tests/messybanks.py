"""Ten banks as their files really look, made here: what each is called, its files, and what is answered of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy

DATABASE = "MESSY_DATABASE_URL"
_SURNAMES, _GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静丽强磊军洋勇艳杰涛明"
_FIRST = date(2012, 3, 1)
_LAST = date(2026, 11, 20)


@dataclass(frozen=True)
class Messy:
    """One bank: the files to name after --from, answers beside what is proposed, rows that must load, by table."""

    name: str
    files: tuple[str, ...]
    answers: Mapping[str, str] = field(default_factory=dict)
    loads: Mapping[str, int] = field(default_factory=dict)


Rows = list[list[object]]


def people(n: int, seed: int) -> list[dict[str, object]]:
    """Return n people with what banks know of them."""
    draw = random.Random(seed)
    found = []
    for i in range(n):
        opened = _FIRST + timedelta(days=draw.randrange((_LAST - _FIRST).days))
        found.append({
            "no": f"{6200000 + i}", "name": draw.choice(_SURNAMES) + draw.choice(_GIVEN), "phone": f"138{draw.randrange(10**8):08d}",
            "sex": draw.choice("男女"), "born": date(1950 + draw.randrange(50), 1 + draw.randrange(12), 1 + draw.randrange(28)),
            "opened": opened, "unit": draw.choice(("0101", "0102", "0201")), "manager": f"M{draw.randrange(4):03d}",
            "consent": draw.choice(("是", "是", "否")), "demand": draw.randrange(200_000_00) / 100, "term": draw.choice((0, 0, 50_000, 120_000.5)),
        })  # fmt: skip
    return found


def write_csv(path: Path, head: list[str], rows: Rows, sign: str = ",", encoding: str = "utf-8") -> str:
    """Write a text as core systems do, nothing quoted."""
    lines = [sign.join(head), *(sign.join("" if cell is None else str(cell) for cell in row) for row in rows)]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return str(path)


def write_xlsx(path: Path, head: list[str], rows: Rows) -> str:
    """Write a workbook of one sheet."""
    book = openpyxl.Workbook()
    book.active.append(head)
    for row in rows:
        book.active.append(row)
    book.save(path)
    return str(path)


def units() -> tuple[list[str], Rows]:
    """Return a register of units in a bank's own words."""
    return ["机构号", "机构名称", "上级机构", "机构级别"], [
        ["0000", "示范银行总行", None, "总行"], ["0100", "东城分行", "0000", "分行"], ["0200", "西城分行", "0000", "分行"],
        ["0101", "东门支行", "0100", "支行"], ["0102", "东湖支行", "0100", "支行"], ["0201", "西山支行", "0200", "支行"],
    ]  # fmt: skip


_HEAD = ["客户号", "姓名", "手机号", "性别", "出生日期", "开户日期", "支行号", "客户经理", "营销同意"]


def customer_rows(who: list[dict[str, object]]) -> Rows:
    """Return customers as a core system writes them."""
    return [
        [p["no"], p["name"], p["phone"], p["sex"], f"{p['born']:%Y%m%d}", f"{p['opened']:%Y%m%d}", p["unit"], p["manager"], p["consent"]]
        for p in who
    ]  # fmt: skip


def account_rows(who: list[dict[str, object]]) -> Rows:
    """Return accounts: one or two a customer."""
    found: Rows = []
    for i, p in enumerate(who):
        found.append(
            [
                f"A{i:06d}",
                p["no"],
                "活期",
                "D01",
                f"{p['demand']:,.2f}".replace(",", ""),
                f"{p['opened']:%Y-%m-%d}",
                None,
            ]
        )
        if p["term"]:
            found.append([f"T{i:06d}", p["no"], "定期", "T12", p["term"], f"{p['opened']:%Y-%m-%d}", "2027-01-31"])
    return found


_ACCOUNTS = ["账号", "客户号", "产品类型", "产品代码", "余额", "开户日期", "到期日"]


def transaction_rows(who: list[dict[str, object]], seed: int) -> Rows:
    """Return three transactions a customer."""
    draw = random.Random(seed)
    found: Rows = []
    for i, p in enumerate(who):
        for j in range(3):
            at = date(2026, 9, 1) + timedelta(days=draw.randrange(80))
            kind = draw.choice(("转入", "转出", "消费"))
            found.append(
                [
                    i * 10 + j,
                    p["no"],
                    kind,
                    f"{at} {draw.randrange(24):02d}:15:00",
                    draw.randrange(1, 10**6) / 100,
                    "手机银行",
                ]
            )
    return found


_TRANSACTIONS = ["流水号", "客户号", "交易类型", "交易时间", "交易金额", "渠道"]


def single_file(place: Path, n: int) -> Messy:
    """A file of customers alone, in GBK, with balances side by side."""
    who = people(n, 1)
    rows = [[*row, p["demand"], p["term"]] for row, p in zip(customer_rows(who), who, strict=True)]
    file = write_csv(place / "客户信息20261128.csv", [*_HEAD, "活期余额", "定期存款余额"], rows, "|@|", "gbk")
    return Messy("single-file", (file,), loads={"customer": n, "unit": 4, "staff": 4})


def three_files(place: Path, n: int) -> Messy:
    """Customers, accounts and transactions by day."""
    who = people(n, 2)
    files = (
        write_csv(place / "cust_20261128.csv", _HEAD, customer_rows(who), encoding="gbk"),
        write_csv(place / "acct_20261128.csv", _ACCOUNTS, account_rows(who), "\t"),
        write_csv(place / "txn_20261128.csv", _TRANSACTIONS, transaction_rows(who, 2)),
    )
    return Messy("three-files", files, loads={"customer": n, "event": 3 * n})


def card_vendor(place: Path, n: int) -> Messy:
    """A workbook of a card vendor: a row a card, no product, days as days, blank columns."""
    who = people(n, 3)
    rows: Rows = [
        [f"62258800{i:08d}", p["no"], p["name"], p["phone"], None, p["opened"], 20_000 + i, p["demand"], "正常"]
        for i, p in enumerate(who)
    ]
    head = ["卡号", "客户号", "持卡人", "手机", None, "发卡日期", "信用额度", "未还余额", "状态"]
    file = write_xlsx(place / "信用卡月报.xlsx", head, rows)  # type: ignore[arg-type]
    return Messy("card-vendor", (file,), {"customer.marketing_consent": "yes"}, {"customer": n, "holding": n})


def account_level(place: Path, n: int) -> Messy:
    """Accounts that carry their customers along: nobody delivers customers."""
    who = {str(p["no"]): p for p in people(n, 4)}
    rows = [
        [*row, who[str(row[1])]["name"], who[str(row[1])]["phone"], who[str(row[1])]["unit"]]
        for row in account_rows(list(who.values()))
    ]
    file = write_csv(place / "deposit_accounts.csv", [*_ACCOUNTS, "客户姓名", "手机号码", "开户网点"], rows, "|")
    return Messy("account-level", (file,), loads={"customer": n, "holding": len(rows), "unit": 4})


def english_headers(place: Path, n: int) -> Messy:
    """English headers, days as days of another country write them, codes of their own."""
    who = people(n, 5)
    rows: Rows = [
        [p["no"], p["name"], p["phone"], "M" if p["sex"] == "男" else "F", f"{p['born']:%d/%m/%Y}", f"{p['opened']:%d/%m/%Y}", p["unit"], "Y" if p["consent"] == "是" else "N"]
        for p in who
    ]  # fmt: skip
    head = [
        "Customer ID",
        "Full Name",
        "Mobile",
        "Sex",
        "Date of Birth",
        "Customer Since",
        "Branch Code",
        "Marketing Opt-In",
    ]
    accounts: Rows = [
        [f"A{i}", p["no"], "Savings", "S1", p["demand"], f"{p['opened']:%d/%m/%Y}"] for i, p in enumerate(who)
    ]
    files = (
        write_csv(place / "customers.csv", head, rows),
        write_csv(
            place / "accounts.csv",
            ["Account No", "Customer ID", "Account Type", "Product Code", "Balance", "Open Date"],
            accounts,
            ";",
        ),
    )
    return Messy("english-headers", files, loads={"customer": n, "holding": n})


def database_dump(place: Path, n: int) -> Messy:
    """The tables of a database, read through its address."""
    who = people(n, 6)
    engine = sqlalchemy.create_engine(f"sqlite:///{place / 'core.db'}")
    with engine.begin() as connection:
        for table, head, rows in (
            ("t_customer", ["cust_no", "cust_name", "mobile", "sex", "birthday", "open_date", "branch_no", "rm_id", "consent"], customer_rows(who)),
            ("t_account", ["acct_no", "cust_no", "acct_type", "product_code", "balance", "open_date", "maturity_date"], account_rows(who)),
        ):  # fmt: skip
            columns = ", ".join(f"{column} TEXT" for column in head)
            connection.exec_driver_sql(f"CREATE TABLE {table} ({columns})")
            marks = ", ".join("?" * len(head))
            connection.exec_driver_sql(
                f"INSERT INTO {table} VALUES ({marks})", [tuple(map(_plain, row)) for row in rows]
            )
    engine.dispose()
    return Messy("database", (DATABASE,), loads={"customer": n})


def _plain(cell: object) -> object:
    return None if cell is None else str(cell)


def no_transactions(place: Path, n: int) -> Messy:
    """Units, customers and accounts in Parquet, workbook and text; nothing happens there."""
    who = people(n, 7)
    head, rows = units()
    table = pa.table(
        {
            name: [None if row[at] is None else str(row[at]) for row in customer_rows(who)]
            for at, name in enumerate(_HEAD)
        }
    )
    pq.write_table(table, place / "客户.parquet")
    files = (
        write_xlsx(place / "机构表.xlsx", head, rows),
        str(place / "客户.parquet"),
        write_csv(place / "存款账户.csv", _ACCOUNTS, account_rows(who), encoding="gbk"),
    )
    return Messy("no-transactions", files, loads={"unit": 6, "customer": n})


def no_units(place: Path, n: int) -> Messy:
    """Customers that belong to nothing and nobody."""
    who = people(n, 8)
    rows: Rows = [[p["no"], p["name"], p["phone"], p["consent"]] for p in who]
    file = write_csv(place / "kehu.csv", ["客户编号", "客户名称", "联系电话", "是否同意营销"], rows)
    return Messy("no-units", (file,), loads={"customer": n, "unit": 1, "staff": 1})


def two_lines(place: Path, n: int) -> Messy:
    """Retail customers and firms, each in its own words."""
    who = people(n, 9)
    firms: Rows = [[f"E{i:04d}", f"泉江第{i}公司", "0101", "制造业"] for i in range(max(3, n // 20))]
    head, rows = units()
    files = (
        write_csv(place / "机构.csv", head, rows),
        write_csv(place / "零售客户.csv", _HEAD, customer_rows(who), encoding="gbk"),
        write_csv(place / "对公客户.csv", ["对公客户号", "企业名称", "开户机构", "所属行业"], firms, encoding="gbk"),
    )
    return Messy("two-lines", files, loads={"customer": n, "corporate": len(firms), "unit": 6})


def unknown_columns(place: Path, n: int) -> Messy:
    """Twenty columns that nobody knows, between those that matter, and codes of which nobody has heard."""
    who = people(n, 10)
    odd = [f"F{i:03d}" for i in range(20)]
    rows: Rows = [
        [*row[:4], *(f"x{(i * 7 + j) % 13}" for j in range(20)), *row[4:]] for i, row in enumerate(customer_rows(who))
    ]
    for i, row in enumerate(rows):
        row[3] = ("男", "女", "9")[i % 3]
    file = write_csv(place / "CIF_FULL.dat", [*_HEAD[:4], *odd, *_HEAD[4:]], rows, "\x01")
    return Messy("unknown-columns", (file,), loads={"customer": n})


MESSY: tuple[Callable[[Path, int], Messy], ...] = (
    single_file, three_files, card_vendor, account_level, english_headers, database_dump, no_transactions, no_units, two_lines,
    unknown_columns,
)  # fmt: skip
