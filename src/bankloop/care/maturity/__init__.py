"""Care that a date or a fall begins (定存到期承接、净值回撤安抚): what matures with its forecast, what fell, who is told.

This room says whom to call or tell and why, once each; what is said is an approved text, and none of it sells.
"""

from bankloop.care.maturity.contracts import (
    CarePolicy,
    CareStep,
    Drawdown,
    DrawdownCare,
    DrawdownPolicy,
    KeyDate,
    Maturing,
    MaturityCare,
    MaturityPolicy,
    Renewal,
    Told,
)
from bankloop.care.maturity.dates import key_dates
from bankloop.care.maturity.queries import (
    drawdowns,
    falls,
    holders,
    holders_of,
    maturing,
    net_values,
    renewal_history,
    renewal_scores,
    values_until,
)
from bankloop.care.maturity.rules import DRAWDOWN, MATURITY, REMOTE, at_stake, read_care, renewals, said, spared_by
from bankloop.care.maturity.service import make_maturity_tasks, tell_holders
from bankloop.care.maturity.telling import told

__all__ = [
    "DRAWDOWN",
    "MATURITY",
    "REMOTE",
    "CarePolicy",
    "CareStep",
    "Drawdown",
    "DrawdownCare",
    "DrawdownPolicy",
    "KeyDate",
    "Maturing",
    "MaturityCare",
    "MaturityPolicy",
    "Renewal",
    "Told",
    "at_stake",
    "drawdowns",
    "falls",
    "holders",
    "holders_of",
    "key_dates",
    "make_maturity_tasks",
    "maturing",
    "net_values",
    "read_care",
    "renewal_history",
    "renewal_scores",
    "renewals",
    "said",
    "spared_by",
    "tell_holders",
    "told",
    "values_until",
]
