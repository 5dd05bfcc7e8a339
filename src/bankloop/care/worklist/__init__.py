"""Lists as people work them (营销名单): xlsx in with every bad row returned, sent down as tasks, recalled where untouched.

A line is judged by scope, consent to a call and what runs already, of the person under whichever of their numbers, while
the person is locked at the contact gate. Its call is reserved there and counts; no cap or capacity refuses it.
"""

from bankloop.care.worklist.contracts import REASONS, DailyPace, Refused, Shares, TakenIn, WorkList
from bankloop.care.worklist.pacing import read_pace
from bankloop.care.worklist.queries import returned_of, work_list_of, work_lists
from bankloop.care.worklist.reading import MOST_BYTES, MOST_ROWS, read_rows
from bankloop.care.worklist.service import recall_list, take_list

__all__ = [
    "MOST_BYTES",
    "MOST_ROWS",
    "REASONS",
    "DailyPace",
    "Refused",
    "Shares",
    "TakenIn",
    "WorkList",
    "read_pace",
    "read_rows",
    "recall_list",
    "returned_of",
    "take_list",
    "work_list_of",
    "work_lists",
]
