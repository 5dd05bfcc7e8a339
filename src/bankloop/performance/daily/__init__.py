"""The daily report (日报): what each unit's leader is told of yesterday, kept as it was told, handed to each once.

The figures come from above; this room keeps them, knows who leads which unit, and never decides what is counted.
"""

from bankloop.performance.daily.contracts import (
    LEADERS,
    Addressee,
    Balance,
    DailyDelivery,
    DailyReport,
    Figures,
    Post,
    Press,
)
from bankloop.performance.daily.errors import no_balances, not_over
from bankloop.performance.daily.posting import FilePost
from bankloop.performance.daily.rules import add_up, due_day, sums_hold
from bankloop.performance.daily.service import (
    DAILY_TOPIC,
    addressees,
    daily_days,
    daily_of,
    daily_reports,
    deliver_daily,
    deliveries,
    keep_daily,
)

__all__ = [
    "DAILY_TOPIC",
    "LEADERS",
    "Addressee",
    "Balance",
    "DailyDelivery",
    "DailyReport",
    "Figures",
    "FilePost",
    "Post",
    "Press",
    "add_up",
    "addressees",
    "daily_days",
    "daily_of",
    "daily_reports",
    "deliver_daily",
    "deliveries",
    "due_day",
    "keep_daily",
    "no_balances",
    "not_over",
    "sums_hold",
]
