"""Propose the sources of a bank from what its files look like and what was answered.

A pure rule, run again after each answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import count
from typing import Any

from bankloop.kit.errors import DataError
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.proposal.asking import SKIP, Inquiry
from bankloop.lake.proposal.contracts import ColumnEntry, FileLook, Proposal, ProposedSource
from bankloop.lake.proposal.filling import HEAD, KEEPER, MINUTES, Filling
from bankloop.lake.proposal.matching import Match, match_columns, score
from bankloop.lake.proposal.words import normal, words

# The tables that files of a bank bring; the others are derived here.
TABLES = ("unit", "staff", "employer", "corporate", "customer", "merchant", "holding", "event")
# A key by its name and two more columns: less than that may be anything.
_SURE = 8
_ROWS = "rows"
_TODAY = timedelta(days=1)
_HEAD_ROW = {"unit_id": HEAD, "kind": "head_office", "name_zh": "总行", "name_en": "Head office"}
_KEEPER_ROW = {
    "staff_id": KEEPER,
    "unit_id": HEAD,
    "post": "relationship_manager",
    "on_leave": False,
    "minutes_per_day": MINUTES,
}


def propose(
    looks: Sequence[FileLook], answers: Mapping[str, str], day: date, there: frozenset[str] = frozenset()
) -> Proposal:
    """Return what is proposed for files that were looked at; ``day`` is that of the data where no name says it.

    ``there`` are the sources of a bank that has some: customers, units and staff are theirs to bring.

    Raises ``InputError`` for an answer that is no option or was not asked for, ``DataError`` without customers.
    """
    # A name may bear a day to come, a card's last or a slip: a delivery of it would be refused.
    told = [one.day for one in looks if one.day is not None and one.day <= day + _TODAY]
    bank = _Bank(Inquiry(answers), day := max(told, default=day), there)
    bank.take(looks)
    if not there:
        bank.derive_customers(looks)
        bank.derive_holdings()
        bank.state_units()
        bank.state_staff()
    bank.asking.check_used()
    asked, chosen = tuple(bank.asking.questions), tuple(bank.asking.choices)
    return Proposal(tuple(bank.sources()), asked, day, tuple(bank.notes), tuple(bank.skipped), chosen)


@dataclass
class _Bank:
    asking: Inquiry
    day: date
    there: frozenset[str]
    filled: list[Filling] = field(default_factory=list)
    further: list[ProposedSource] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    wide: frozenset[str] = frozenset()

    def take(self, looks: Sequence[FileLook]) -> None:
        """Give each file its table and fill it."""
        for look in looks:
            table = self._table(look)
            if table == SKIP:
                self.skipped.append(look.name)
                continue
            self._fill(table, look)

    def of(self, table: str) -> Filling | None:
        """Return the first file of a table."""
        return next((one for one in self.filled if one.table.name == table), None)

    def _fill(self, table: str, look: FileLook, matches: Mapping[str, Match] | None = None) -> Filling:
        taken = self.there | {one.name for one in self.filled}
        name = table if table not in taken else next(n for i in count(2) if (n := f"{table}_{i}") not in taken)
        found = Filling(name, CONTRACTS[table], look, self.asking, self.day, dict(matches or {}))
        found.fill()
        self.filled.append(found)
        return found

    def _table(self, look: FileLook) -> str:
        """Return the table that a file brings; ask where it is not plain."""
        scores = {table: score(CONTRACTS[table], look, match_columns(CONTRACTS[table], look)) for table in TABLES}
        ranked = sorted(TABLES, key=lambda table: (-scores[table], TABLES.index(table)))
        best, second = ranked[0], ranked[1]
        said = Text(f"{look.name} 是哪张表？", f"which table is {look.name}?")
        options = [*((one, CONTRACTS[one].label) for one in ranked), (SKIP, Text("不装载", "do not load it"))]
        key, proposed = f"table.{look.name}", best if scores[best] > 0 else SKIP
        if scores[best] >= _SURE and scores[best] > scores[second]:
            return self.asking.offer(key, said, options, proposed)
        return self.asking.ask(key, said, options, proposed) or SKIP

    # What no file is, and the others tell

    def derive_customers(self, looks: Iterable[FileLook]) -> None:
        """Make customers of accounts where no file has a row a customer: of each what is the same in all its rows."""
        if self.of("customer") is not None:
            return
        accounts = [
            one for one in self.filled if one.table.name in ("holding", "event") and "customer_no" in one.matches
        ]
        if not accounts:
            raise no_customers([look.name for look in looks])
        found = max(accounts, key=lambda one: (one.table.name == "holding", len(one.look.alike.get(_number(one), ()))))
        number = _number(found)
        mine = found.look.alike.get(number, frozenset(one.name for one in found.look.columns))
        seen = tuple(one for one in found.look.columns if one.name in mine or one.name == number)
        look = replace(found.look, columns=seen)
        one = self._fill("customer", look)
        fields = ", ".join(f'min("{c}") AS "{c}"' for c in sorted(one.used - {number}))
        one.made["*"] = f'SELECT "{number}"{", " + fields if fields else ""} FROM {_ROWS} GROUP BY "{number}"'
        said = Text(
            f"没有一行一客户的文件：客户由 {look.name} 归并而成",
            f"no file has a row a customer: customers are made of {look.name}",
        )
        self.notes.append(said)

    def derive_holdings(self) -> None:
        """Make holdings of balances that stand side by side in the customers' file, a column a class."""
        customers = self.of("customer")
        if self.of("holding") is not None or customers is None or customers.made:
            return
        free = [one for one in customers.look.columns if one.name not in customers.used and one.is_all("amount")]
        classes = {one.name: found for one in free if (found := _class_of(one.name))}
        if not classes:
            self.notes.append(
                Text("没有持有：资产类标签都为 0", "there are no holdings: attributes of assets are all 0")
            )
            return
        number = customers.matches["customer_no"].source
        parts = " UNION ALL ".join(
            f'SELECT "{number}" AS customer_no, \'{code}\' AS product_class, "{column}" AS balance FROM {_ROWS} '
            f"WHERE coalesce(try_cast(replace(\"{column}\", ',', '') AS DECIMAL(30, 2)), 0) <> 0"
            for column, code in classes.items()
        )
        query = f"SELECT customer_no || '-' || product_class AS holding_id, * FROM ({parts})"
        money: Any = {"from": "balance", "money": "yuan"}
        entries = (
            ColumnEntry("product_id", "product_class"),
            ColumnEntry("balance_fen", money),
            ColumnEntry("opened_on", {"constant": self.day.isoformat()}, "文件里没有 / no file says it"),
        )
        reading = _asked(customers.look, query)
        note = f"由 {customers.look.name} 的 {'、'.join(classes)} 列得出 / made of these columns"
        self.further.append(ProposedSource("holding", "holding", reading, entries, note=note))
        self.wide = frozenset(classes)

    def state_units(self) -> None:
        """State one unit, the head office, where no file brings units; those that customers name come under it."""
        if self.of("unit") is not None:
            return
        customers = self.of("customer")
        assert customers is not None
        branch = customers.matches.get("sub_branch_id") or customers.matches.get("branch_id")
        if branch is None:
            rows = [_HEAD_ROW]
            self.further.append(
                ProposedSource(
                    "unit",
                    "unit",
                    {"rows": rows},
                    note="没有机构文件：写明总行一个 / no file of units: the head office is stated",
                )
            )
            return
        head = (
            f"SELECT '{HEAD}' AS unit_id, NULL AS parent_id, 'head_office' AS kind, "
            "'总行' AS name_zh, 'Head office' AS name_en"
        )
        named = (
            f'SELECT DISTINCT "{branch.source}", \'{HEAD}\', \'branch\', "{branch.source}", "{branch.source}" '
            f"FROM {_ROWS} WHERE \"{branch.source}\" <> ''"
        )
        note = f"由客户的 {branch.source} 得出，都在总行之下 / made of the customers' units, all under the head office"
        self.further.append(
            ProposedSource("unit", "unit", _asked(customers.look, f"{head} UNION ALL {named}"), note=note)
        )
        for at, entry in enumerate(customers.entries):
            if entry.column in ("branch_id", "sub_branch_id") and not isinstance(entry.written, dict):
                customers.entries[at] = replace(entry, written={"from": entry.written, "values": {"": HEAD}})

    def state_staff(self) -> None:
        """State one keeper where no file brings staff; managers that customers name become staff of the head office."""
        if self.of("staff") is not None:
            return
        customers = self.of("customer")
        assert customers is not None
        manager = customers.matches.get("manager_id")
        units = self.of("unit")
        home = HEAD if units is None else _root(units)
        if manager is None:
            row = {**_KEEPER_ROW, "unit_id": home}
            self.further.append(
                ProposedSource(
                    "staff",
                    "staff",
                    {"rows": [row]},
                    note="没有员工文件：写明一人 / no file of staff: one keeper is stated",
                )
            )
            return
        query = f'SELECT DISTINCT "{manager.source}" AS staff_id FROM {_ROWS} WHERE "{manager.source}" <> \'\''
        fixed = {key: value for key, value in _KEEPER_ROW.items() if key != "staff_id"} | {"unit_id": home}
        entries = tuple(ColumnEntry(key, {"constant": value}) for key, value in fixed.items())
        note = f"由客户的 {manager.source} 得出 / made of the customers' managers"
        self.further.append(ProposedSource("staff", "staff", _asked(customers.look, query), entries, note=note))

    def sources(self) -> list[ProposedSource]:
        """Return the sources in the order of loading."""
        order = list(CONTRACTS)
        found = [*self.further, *(self._source(one) for one in self.filled)]
        return sorted(found, key=lambda one: order.index(one.table))

    def _source(self, one: Filling) -> ProposedSource:
        unused = tuple(c.name for c in one.look.columns if c.name not in one.used)
        if one.made:
            made = ", ".join(f"{sql} AS {column}" for column, sql in one.made.items())
            query = one.made.get("*") or f"SELECT *, {made} FROM {_ROWS}"
            ignore = () if "*" in one.made else unused
            return ProposedSource(one.name, one.table.name, _asked(one.look, query), tuple(one.entries), ignore)
        if one.look.database:
            wanted = ", ".join(f'"{c.name}"' for c in one.look.columns if c.name in one.used)
            reading = {"database": one.look.database, "query": f'SELECT {wanted} FROM "{one.look.name}"'}
            return ProposedSource(one.name, one.table.name, reading, tuple(one.entries))
        return ProposedSource(one.name, one.table.name, _delivered(one.look), tuple(one.entries), unused)


def _number(one: Filling) -> str:
    return one.matches["customer_no"].source


def _root(units: Filling) -> str:
    """Return the unit above all others as the file names it, else the first."""
    key, kind = units.look.column(units.matches["unit_id"].source), units.matches.get("kind")
    rows = [value for value, _ in key.values]
    heads = ("0000", "000", "00", "0", "1", HEAD)
    return next((one for one in heads if one in rows), rows[0] if rows and kind is not None else HEAD)


def _class_of(header: str) -> str | None:
    """Return the product class of which a column is the balance; the longest word decides."""
    found = normal(header)
    if not any(word in found for word in words().balances):
        return None
    codes = words().codes["product_class"]
    near = sorted((word for word in codes if len(word) > 1 and word in found), key=len)
    return codes[near[-1]] if near else None


def _delivered(look: FileLook) -> dict[str, Any]:
    reading: dict[str, Any] = {"path": f"*/{look.pattern or look.name}", "format": look.format}
    if look.format == "csv":
        if look.encoding != "utf-8":
            reading["encoding"] = look.encoding
        if look.delimiter != ",":
            reading["delimiter"] = look.delimiter
        if look.header is not None:
            reading["header"] = list(look.header)
    return reading


def _asked(look: FileLook, query: str) -> dict[str, Any]:
    """Return the reading of a query over one file, or over one table of a database."""
    if look.database:
        return {"database": look.database, "query": query.replace(f"FROM {_ROWS}", f'FROM "{look.name}"')}
    return {"files": {_ROWS: _delivered(look)}, "query": query}


def no_customers(names: Sequence[str]) -> DataError:
    """Files of which none says who the customers are."""
    return DataError(
        "init.no_customers",
        Text(
            "{files} 里都没有客户号，无法知道客户是谁；请加上客户或账户文件，或用 --answer table.文件=customer 指明",
            "none of {files} has a customer number, so nobody knows who the customers are; add a file of customers or "
            "accounts, or say which it is by --answer table.FILE=customer",
        ),
        files=", ".join(names),
    )
