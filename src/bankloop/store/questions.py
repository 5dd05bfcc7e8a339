"""Questions to the database: a statement as a value, with how its answer is read; several of them are one trip.

A page that asks ten things one after the other waits ten times for the other side to wake up; on a busy machine that is
most of what it takes. Statements go prepared and past SQLAlchemy, in the order in which they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy import Connection

T = TypeVar("T")
Rows = Sequence[tuple[Any, ...]]
"""What comes back: a tuple a row, in the order of the statement's columns."""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A statement with ``%(named)s`` places, what fills them, and how its rows become the answer."""

    sql: bytes
    read: Callable[[Rows], T]
    values: Mapping[str, Any] = field(default_factory=dict)


def ask(connection: Connection, question: Question[T]) -> T:
    """Return the answer to one question, under the principal of the transaction."""
    answer: T = ask_all(connection, question)[0]
    return answer


def ask_all(connection: Connection, *questions: Question[Any]) -> list[Any]:
    """Return the answers to questions in their order; they are one trip, and none sees what another one answers.

    The first that fails raises its ``psycopg.Error``; those after it were not asked.
    """
    driver = driver_of(connection)
    if len(questions) == 1:
        cursors = [driver.execute(questions[0].sql, questions[0].values, prepare=True)]
    else:
        with driver.pipeline():
            cursors = [driver.execute(one.sql, one.values, prepare=True) for one in questions]
    return [one.read(cursor.fetchall()) for one, cursor in zip(questions, cursors, strict=True)]


def driver_of(connection: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """Return the driver's own connection below SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
