"""What a person may ask of their data (个保法 45, 47): a copy of it, and its erasure under retention and legal hold.

Asked for, approved by others, done once. This room knows how long each category must stay and by which rule.
"""

from bankloop.customer.subject.contracts import Category, Erased, ErasurePlan, Fate, RetentionRuling
from bankloop.customer.subject.rules import TABLES, erasure_plan, read_retention
from bankloop.customer.subject.service import ask_export, erase_person, export_person, plan_erasure

__all__ = [
    "TABLES",
    "Category",
    "Erased",
    "ErasurePlan",
    "Fate",
    "RetentionRuling",
    "ask_export",
    "erase_person",
    "erasure_plan",
    "export_person",
    "plan_erasure",
    "read_retention",
]
