"""Lists as people work them (营销名单): xlsx in with every bad row returned, sent down as tasks, recalled where untouched.

A list goes through what every contact goes through: scope, consent, and what runs already. It decides nothing itself.
"""

from bankloop.customer.worklist.contracts import REASONS, Refused, TakenIn, WorkList
from bankloop.customer.worklist.reading import MOST_BYTES, MOST_ROWS, read_rows
from bankloop.customer.worklist.service import recall_list, take_list, work_list_of, work_lists

__all__ = [
    "MOST_BYTES",
    "MOST_ROWS",
    "REASONS",
    "Refused",
    "TakenIn",
    "WorkList",
    "read_rows",
    "recall_list",
    "take_list",
    "work_list_of",
    "work_lists",
]
