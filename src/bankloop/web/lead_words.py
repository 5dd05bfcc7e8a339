"""The words of who leads: daily report, targets, board, scorecards of people."""

from __future__ import annotations

from collections.abc import Mapping

from bankloop.kit import Text

LEAD_WORDS: Mapping[str, Text] = {
    "daily": Text("日报", "Daily report"),
    "no_daily": Text(
        "还没有日报：每天 8:30 报前一天，先要有入湖的余额。现在就要，请运行 bankloop daily make。",
        "There is no daily report yet: each day at 08:30 it tells of the day before, once balances are loaded. To have it "
        "now, run bankloop daily make.",
    ),
    "days": Text("哪一天", "Day"),
}
