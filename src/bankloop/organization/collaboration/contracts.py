"""What crosses the door of collaboration: topics, a request with its task, what was said about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from bankloop.kit.text import Text
from bankloop.organization.task import Service, Task, TaskEvent


class RequestKind(StrEnum):
    """A customer handed to another line (转介), or help that the front asks of the middle and the back (支持)."""

    REFERRAL = "referral"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Topic:
    """What may be asked: of which line (a referral) or which role (support), and how soon it is answered."""

    key: str
    kind: RequestKind
    desk: str
    title: Text
    service: Service


@dataclass(frozen=True, slots=True)
class Collaboration:
    """One request: who asked whom for what, about which customer, and the task on which its clock runs.

    ``about_no`` is the asker's own customer; ``customer_no`` the other line's, '' where they are none yet and ``company``
    alone names them. What the other side sees of ``about_no`` is ruled as everywhere: by agreement and consent.
    """

    request_id: UUID
    kind: RequestKind
    topic: Topic
    asked_by: str
    from_unit: str
    from_line: str
    desk: str
    to_unit: str
    to_line: str
    about_no: str
    customer_no: str
    company: str
    need: str
    made_at: datetime
    task: Task


@dataclass(frozen=True, slots=True)
class Inbox:
    """Both sides of a person's requests: those to answer, those asked, and those of the units that they lead."""

    received: tuple[Collaboration, ...]
    asked: tuple[Collaboration, ...]
    watched: tuple[Collaboration, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One request with everything that was done and said, in order, and what who looks may do with it now."""

    request: Collaboration
    events: tuple[TaskEvent, ...]
    may_answer: bool
    may_pass: bool
    may_withdraw: bool
