"""Fill a table's columns from one file: what matches, what is asked, and what is stated because no file says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bankloop.kit.text import Text
from bankloop.lake.contracts import ColumnType, ContractColumn, TableContract
from bankloop.lake.proposal.asking import NONE, Inquiry, taken_twice
from bankloop.lake.proposal.contracts import ColumnEntry, FileLook
from bankloop.lake.proposal.matching import Match, match_columns, match_one
from bankloop.lake.proposal.words import EXACT, normal, words

HEAD, KEEPER = "HQ", "keeper"
MINUTES = 240
_FEW = 6
_STATED = Text("文件里没有", "no file says it")
# What a file of one kind that lacks a column leaves to be stated: nobody is what is not said of anybody.
_NOBODY: Mapping[ColumnType, Any] = {ColumnType.BOOL: False, ColumnType.INT: 0}
_FIXED: Mapping[tuple[str, str], Any] = {
    ("staff", "post"): "relationship_manager",
    ("staff", "minutes_per_day"): MINUTES,
    ("staff", "unit_id"): HEAD,
    ("unit", "kind"): "sub_branch",
    ("corporate", "unit_id"): HEAD,
    ("merchant", "unit_id"): HEAD,
    ("employer", "unit_id"): HEAD,
    ("employer", "payday"): 15,
}


@dataclass
class Filling:
    """One table being filled from one file.

    ``name`` is the source's, ``made`` are columns that SQL adds to the file's.
    """

    name: str
    table: TableContract
    look: FileLook
    asking: Inquiry
    day: date
    matches: dict[str, Match] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    entries: list[ColumnEntry] = field(default_factory=list)

    def fill(self) -> None:
        """Find an entry for each of the table's columns that needs one."""
        self.matches = self.matches or match_columns(self.table, self.look)
        self._choose()
        for column in self.table.columns:
            match = self.matches.get(column.name)
            if match is not None:
                self.entries.append(ColumnEntry(column.name, self._settled(column, match), self._doubt(match)))
            elif (entry := self._lacking(column)) is not None:
                self.entries.append(entry)

    @property
    def used(self) -> frozenset[str]:
        """Return the columns of the file that are read."""
        written = (
            one.written["from"] if isinstance(one.written, dict) and "from" in one.written else one.written
            for one in self.entries
        )
        return frozenset(one for one in written if isinstance(one, str))

    def _key(self, column: str, *more: str) -> str:
        return ".".join((self.name, column, *more))

    def _choose(self) -> None:
        """Offer, for each column of the table, the file's columns that could be it; what a person chose goes first.

        A column that was chosen is no longer what it was proposed for. Raises ``InputError`` for one chosen twice.
        """
        chosen: dict[str, str] = {}
        for column in self.table.columns:
            could = {one.name: match for one in self.look.columns if (match := match_one(column, one, EXACT))}
            match = self.matches.get(column.name)
            if not could and match is None:
                continue
            names = dict.fromkeys((*([match.source] if match else ()), *could))
            options = [*((one, Text(one, one)) for one in names), (NONE, Text("没有这一列", "no column says it"))]
            proposed = match.source if match else NONE
            said = Text(f"{self.look.name} 的哪一列是{column.label.zh}？", f"which column is the {column.label.en}?")
            answer = self.asking.offer(self._key(column.name, "from"), said, options, proposed)
            if answer == proposed:
                continue
            self.matches.pop(column.name, None)
            if answer == NONE:
                continue
            if answer in chosen:
                raise taken_twice(answer, chosen[answer], column.name)
            chosen[answer] = column.name
            self.matches[column.name] = could[answer]
        for name, match in list(self.matches.items()):
            if chosen.get(match.source, name) != name:
                del self.matches[name]

    # What matched

    def _settled(self, column: ContractColumn, match: Match) -> Any:
        """Return what stands in YAML once a person said which day, which unit, and what a code means."""
        written = dict(match.written) if isinstance(match.written, dict) else {"from": match.written}
        if match.either:
            said = Text(f"{match.source} 是哪种日期写法？", f"which way is {match.source} written?")
            options = [(one, Text(one, one)) for one in match.either]
            key = "timestamp" if column.type is ColumnType.TIMESTAMP else "date"
            written[key] = self.asking.ask(self._key(column.name, "date"), said, options, None) or match.either[0]
        if column.name.endswith("_fen"):
            self._settle_unit(column, match, written)
        if column.allowed or column.type is ColumnType.BOOL:
            self._offer_codes(column, match, written)
            self._ask_codes(column, match, written)
        if column.name == "type":
            known = self.look.column(match.source)
            values = {v: code for v, _ in known.values if (code := words().code("type", v))} if known.few else {}
            written |= {"values": values} if values else {}
        return written["from"] if set(written) == {"from"} else written

    def _settle_unit(self, column: ContractColumn, match: Match, written: dict[str, Any]) -> None:
        """Ask whether whole numbers are yuan or fen; what a name or decimals say may be changed."""
        options = [("yuan", Text("元", "yuan")), ("fen", Text("分", "fen"))]
        key = self._key(column.name, "unit")
        if match.whole:
            said = Text(f"{match.source} 都是整数：是元还是分？", f"{match.source} is whole numbers: yuan or fen?")
            unit = self.asking.ask(key, said, options, "yuan")
        elif self.look.column(match.source).is_all("int"):
            said = Text(f"{match.source} 的单位", f"the unit of {match.source}")
            unit = self.asking.offer(key, said, options, "yuan" if "money" in written else "fen")
        else:
            return
        written.pop("money", None)
        if unit == "yuan":
            written["money"] = "yuan"

    def _offer_codes(self, column: ContractColumn, match: Match, written: dict[str, Any]) -> None:
        """Offer what each code that is known was taken for."""
        truth, values = column.type is ColumnType.BOOL, dict(written.get("values", {}))
        seen = [value for value, _ in self.look.column(match.source).values if value not in match.unknown]
        known = [(one, Text(one, one)) for one in (("yes", "no") if truth else column.allowed)]
        for value in seen:
            proposed = (
                next((s for s in ("yes", "no") if value in written.get(s, ())), "")
                if truth
                else values.get(value, value)
            )
            if proposed not in dict(known):
                continue
            said = Text(f"{match.source} 的“{value}”", f"'{value}' of {match.source}")
            answer = self.asking.offer(self._key(column.name, value), said, known, proposed)
            if answer == proposed:
                continue
            if truth:
                written[proposed] = [one for one in written[proposed] if one != value]
                written[answer] = [*written.get(answer, []), value]
            else:
                values[value] = answer
                written["values"] = values

    def _ask_codes(self, column: ContractColumn, match: Match, written: dict[str, Any]) -> None:
        """Ask what each code means that nobody knows; none is an empty value where the column may be empty.

        Of many that nobody knows none is asked, and all may be told.
        """
        truth = column.type is ColumnType.BOOL
        known = [(one, Text(one, one)) for one in (("yes", "no") if truth else column.allowed)]
        for code in match.unknown:
            said = Text(f"{match.source} 的“{code}”是什么？", f"what is '{code}' of {match.source}?")
            nothing = (NONE, Text("都不是：这些行隔离", "none of these: its rows go to quarantine"))
            put = self.asking.ask if len(match.unknown) <= _FEW else self.asking.offer
            answer = put(self._key(column.name, code), said, [*known, nothing], NONE)
            if answer == NONE and len(match.unknown) > _FEW:
                continue
            if answer == NONE and column.nullable:
                written.setdefault("values", {})[code] = None
            elif answer != NONE and truth:
                written[str(answer)] = [*written.get(str(answer), []), code]
            elif answer != NONE:
                written.setdefault("values", {})[code] = answer

    def _doubt(self, match: Match) -> str:
        return "" if match.sure == EXACT else "按名称猜的，请核对 / by a part of its name: check"

    # What is lacking

    def _lacking(self, column: ContractColumn) -> ColumnEntry | None:
        table, note = self.table.name, f"{_STATED.zh} / {_STATED.en}"
        if (special := _SPECIAL.get((table, column.name))) is not None:
            return special(self, column)
        if column.nullable:
            return None
        if (table, column.name) in _FIXED:
            return ColumnEntry(column.name, {"constant": _FIXED[table, column.name]}, note)
        if column.type in _NOBODY:
            return ColumnEntry(column.name, {"constant": _NOBODY[column.type]}, note)
        if column.type is ColumnType.DATE:
            return ColumnEntry(column.name, {"constant": self.day.isoformat()}, note + "；取数据日 / the data's day")
        return self._ask_column(column)

    def _ask_column(self, column: ContractColumn, among: Sequence[str] | None = None) -> ColumnEntry | None:
        """Ask which column of the file it is; one that alone could be it is proposed."""
        free = [one.name for one in self.look.columns if one.name not in {m.source for m in self.matches.values()}]
        could = [one for one in (among or free) if match_one(column, self.look.column(one), EXACT) is not None]
        said = Text(
            f"{self.look.name} 的哪一列是{column.label.zh}（{column.name}）？",
            f"which column of {self.look.name} is the {column.label.en} ({column.name})?",
        )
        proposed = could[0] if len(could) == 1 else None
        answer = (
            self.asking.ask(self._key(column.name), said, [(one, Text(one, one)) for one in could], proposed)
            if could
            else None
        )
        if answer is None:
            return None
        match = match_one(column, self.look.column(answer), EXACT)
        assert match is not None
        self.matches[column.name] = match
        return ColumnEntry(column.name, self._settled(column, match), "由你指明 / by your word")

    def consent(self, column: ContractColumn) -> ColumnEntry:
        """Ask who allowed marketing: without a word of it, nobody did."""
        said = Text(
            "文件里没有营销同意：按谁都没有同意装载（不会触达任何人），还是都已同意？",
            "no file says who allowed marketing: load as nobody did (nobody is contacted), or did everybody?",
        )
        options = [
            ("no", Text("都没有同意", "nobody did")),
            ("yes", Text("都已同意，有据可查", "everybody did, and we can show it")),
        ]
        answer = self.asking.ask(self._key(column.name), said, options, "no")
        return ColumnEntry(column.name, {"constant": answer == "yes"}, f"{_STATED.zh} / {_STATED.en}")

    def valid_phone(self, column: ContractColumn) -> ColumnEntry:
        """Read whether a number is one from the number itself."""
        phone = self.matches.get("phone_token")
        if phone is None:
            return ColumnEntry(column.name, {"constant": False}, "没有手机号 / there is no phone number")
        return ColumnEntry(column.name, {"from": phone.source, "matches": "phone"})

    def other_level(self, column: ContractColumn) -> ColumnEntry:
        """A bank of one level below the head office: its branch is the sub-branch too.

        Without any, all is head office.
        """
        other = self.matches.get("sub_branch_id" if column.name == "branch_id" else "branch_id")
        if other is None:
            return ColumnEntry(
                column.name, {"constant": HEAD}, "没有机构字段：都归总行 / no unit: all are of the head office"
            )
        return ColumnEntry(column.name, other.source)

    def one_keeper(self, column: ContractColumn) -> ColumnEntry:
        """Let one keeper have all customers where no file says who has whom."""
        return ColumnEntry(column.name, {"constant": KEEPER}, "没有客户经理：都归一人 / no manager: one keeper has all")

    def product_class(self, column: ContractColumn) -> ColumnEntry | None:
        """Ask of which class a file's products are; its name may say it."""
        stem = normal(self.look.name.rpartition(".")[0])
        codes = words().codes["product_class"]
        near = sorted((word for word in codes if len(word) > 1 and word in stem), key=len)
        said = Text(f"{self.look.name} 里是哪一类产品？", f"which class of products is in {self.look.name}?")
        options = [(one, Text(one, one)) for one in column.allowed]
        answer = self.asking.ask(self._key(column.name), said, options, codes[near[-1]] if near else None)
        return (
            None
            if answer is None
            else ColumnEntry(column.name, {"constant": answer}, "整个文件一类 / one class in the file")
        )

    def product(self, column: ContractColumn) -> ColumnEntry | None:
        """Take the class for the product where a file tells no product."""
        of = self.matches.get("product_class")
        if of is not None:
            return ColumnEntry(column.name, of.source, "没有产品代码：取类型 / no product code: the class")
        stated = next((one.written for one in self.entries if one.column == "product_class"), None)
        return (
            None
            if stated is None
            else ColumnEntry(column.name, stated, "没有产品代码：取类型 / no product code: the class")
        )

    def holding(self, column: ContractColumn) -> ColumnEntry:
        """Make a holding's number of its customer and product.

        And of the whole row where these are not all there is.
        """
        parts = [
            self.matches[one].source for one in ("customer_no", "product_class", "product_id") if one in self.matches
        ]
        self.made[column.name] = " || '-' || ".join(f'"{one}"' for one in dict.fromkeys(parts)) or "'1'"
        return ColumnEntry(column.name, column.name, "由客户号和产品组成 / made of customer and product")

    def event_id(self, column: ContractColumn) -> ColumnEntry:
        """Make a number of an event of the bank's own number for it, or of the whole row."""
        own = [one.name for one in self.look.columns if one.unique and words().likeness("event", column, one.name)]
        parts = own[:1] or [one.name for one in self.look.columns]
        text = " || '|' || ".join(f"coalesce(\"{one}\", '')" for one in parts)
        self.made[column.name] = f"CAST(hash({text}) >> 1 AS BIGINT)"
        return ColumnEntry(
            column.name,
            column.name,
            f"由 {parts[0] if own else '整行'} 得出 / made of {parts[0] if own else 'the row'}",
        )

    def event_source(self, column: ContractColumn) -> ColumnEntry:
        """Name the source of its events."""
        return ColumnEntry(column.name, {"constant": self.name})

    def event_type(self, column: ContractColumn) -> ColumnEntry:
        """Call events payments where nothing says what they are."""
        return ColumnEntry(column.name, {"constant": "payment"}, f"{_STATED.zh} / {_STATED.en}")

    def recorded(self, column: ContractColumn) -> ColumnEntry | None:
        """Take the time of happening for the time of knowing."""
        at = next((one.written for one in self.entries if one.column == "occurred_at"), None)
        return None if at is None else ColumnEntry(column.name, at, f"{_STATED.zh} / {_STATED.en}")


_SPECIAL = {
    ("customer", "marketing_consent"): Filling.consent,
    ("customer", "phone_valid"): Filling.valid_phone,
    ("customer", "branch_id"): Filling.other_level,
    ("customer", "sub_branch_id"): Filling.other_level,
    ("customer", "manager_id"): Filling.one_keeper,
    ("holding", "product_class"): Filling.product_class,
    ("holding", "product_id"): Filling.product,
    ("holding", "holding_id"): Filling.holding,
    ("holding", "balance_fen"): Filling._ask_column,
    ("event", "event_id"): Filling.event_id,
    ("event", "source"): Filling.event_source,
    ("event", "type"): Filling.event_type,
    ("event", "recorded_at"): Filling.recorded,
}
