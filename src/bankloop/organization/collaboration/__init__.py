"""Working together (协同): a customer referred to another line, support asked of the middle and the back office.

Each request has a state and a clock on a task, an inbox on both sides, and its outcome returns to who asked. This room
decides nothing about what a customer's data may be seen by whom: agreements and consent do.
"""

from bankloop.organization.collaboration.contracts import Collaboration, Conversation, Inbox, RequestKind, Topic
from bankloop.organization.collaboration.rules import ANSWERS, TOPICS
from bankloop.organization.collaboration.service import (
    add_words,
    answer,
    ask_support,
    conversation,
    inbox,
    pass_on,
    refer,
    request_behind,
    take,
    withdraw,
)

__all__ = [
    "ANSWERS",
    "TOPICS",
    "Collaboration",
    "Conversation",
    "Inbox",
    "RequestKind",
    "Topic",
    "add_words",
    "answer",
    "ask_support",
    "conversation",
    "inbox",
    "pass_on",
    "refer",
    "request_behind",
    "take",
    "withdraw",
]
