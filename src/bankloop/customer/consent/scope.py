"""Whose consent somebody may see or write down: customers of their own scope, and those of whom they have a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from bankloop.customer.consent import errors
from bankloop.organization import keeper_of, require
from bankloop.store import bank_wide, numbers_of, principal_of

_TASK = text(
    "SELECT true FROM staff_task WHERE customer_no = ANY (:numbers) AND state IN ('ASSIGNED', 'ACCEPTED', 'IN_PROGRESS', 'DONE') LIMIT 1"
)


@contextmanager
def in_scope(connection: Connection, number: str, permission: str = "consent.read") -> Iterator[list[str]]:
    """Let the program see all of a person within the reader's scope, and give the person's numbers.

    Raises ``NotFoundError`` for who is unknown or out of scope, ``DeniedError`` without the permission.
    """
    require(principal_of(connection), permission)
    with bank_wide(connection):
        numbers = numbers_of(connection, number)
    if not any(keeper_of(connection, one) for one in numbers):
        raise errors.no_customer(number)
    with bank_wide(connection):
        yield numbers


def by_task_only(connection: Connection, number: str) -> bool:
    """Return whether who acts meets a person by a task alone; raise ``NotFoundError`` for who does not meet them at all."""
    with bank_wide(connection):
        numbers = numbers_of(connection, number)
    if any(keeper_of(connection, one) for one in numbers):
        return False
    if connection.scalar(_TASK, {"numbers": numbers}):
        return True
    raise errors.no_customer(number)
