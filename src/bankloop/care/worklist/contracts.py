"""What crosses the door of lists: a list, its rows, the rows returned with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from bankloop.kit.text import Text
from bankloop.organization.task import Dispatched

# A list's task is a call of the customer's manager.
CHANNEL = "rm_call"
REASONS: Mapping[str, Text] = {
    "empty": Text("没有客户号", "no customer number"),
    "cell": Text(
        "单元格没有可靠的值（错误、超过 15 位的数字或未计算的公式）",
        "a cell without a reliable value: an error, a number of over 15 digits, a formula never computed",
    ),
    "value": Text("价值不是金额", "the worth is no amount"),
    "unknown": Text("没有这位客户，或不在您的范围内", "no such customer, or not within your scope"),
    "double": Text(
        "名单里已有这位客户（或其另一客户号）", "the list has this customer already, perhaps by another number"
    ),
    "running": Text("正在被另一项营销联系", "another campaign or list is in touch with this customer"),
    "stopped": Text(
        "客户未同意电话营销或已要求停止", "the customer did not allow marketing by phone, or asked to stop"
    ),
    "beyond": Text("超出本机构在目标中分到的任务数", "more than its unit was given of the target"),
    "full": Text("客户经理每天的总行任务已排满", "the manager's days are full of head-office tasks"),
}


@dataclass(frozen=True, slots=True)
class Shares:
    """How many lines of an instruction each holder takes, and for which holder each unit counts."""

    amounts: Mapping[str, int]
    counts_for: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DailyPace:
    """How many tasks of head office a manager has on a day: at least while there are any, and at most."""

    least: int
    most: int

    def a_day(self, wanted: int, days: int, people: int = 1) -> int:
        """Return how many a day so many people take on who have ``wanted`` in ``days``."""
        needed = -(-wanted // max(days * people, 1))
        return people * min(max(needed, self.least), self.most)


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of a list as it was written: line of the sheet, customer, what to do, what it is worth in fen, a note."""

    line: int
    customer_no: str
    item: str
    value_fen: int
    note: str


@dataclass(frozen=True, slots=True)
class Refused:
    """One line that is returned: where it stands, what it says, and why it cannot be used."""

    line: int
    customer_no: str
    code: str

    @property
    def reason(self) -> Text:
        """Return the reason in words."""
        return REASONS[self.code]


@dataclass(frozen=True, slots=True)
class WorkList:
    """A list that was taken in: by whom, how many lines it had and how many became tasks, whether it was recalled."""

    list_id: UUID
    name: str
    made_by: str
    made_at: datetime
    due_on: date
    read: int
    usable: int
    recalled_at: datetime | None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a list; ``known`` says that the same file was taken in before: nothing was done now.

    ``refused`` has the lines that came back, of a known list those of then; ``dispatched`` is None where no task was made.
    """

    work_list: WorkList
    refused: tuple[Refused, ...]
    dispatched: Dispatched | None
    known: bool = False
