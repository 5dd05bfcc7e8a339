"""Whose consent somebody may see or write down: customers of their own scope, and those of whom they have a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from bankloop.customer.consent import errors
from bankloop.customer.identity import numbers_asked
from bankloop.organization.people import keeper_of
from bankloop.organization.rights import require
from bankloop.organization.task import met_by_task
from bankloop.store.database import ask_bank_wide, bank_wide, principal_of


@contextmanager
def in_scope(connection: Connection, number: str, permission: str = "consent.read") -> Iterator[list[str]]:
    """Let the program see all of a person within the reader's scope, and give the person's numbers.

    Raises ``NotFoundError`` for who is unknown or out of scope, ``DeniedError`` without the permission.
    """
    numbers = own_numbers(connection, number, permission)
    with bank_wide(connection):
        yield numbers


def own_numbers(connection: Connection, number: str, permission: str = "consent.read") -> list[str]:
    """Return all numbers of a person within the reader's scope; raise as ``in_scope``."""
    require(principal_of(connection), permission)
    (numbers,) = ask_bank_wide(connection, numbers_asked(number))
    if not keeper_of(connection, *numbers):
        raise errors.no_customer(number)
    return list(numbers)


def by_task_only(connection: Connection, number: str) -> bool:
    """Return whether who acts meets a person by a task alone; raise ``NotFoundError`` for who does not meet them at all."""
    (numbers,) = ask_bank_wide(connection, numbers_asked(number))
    if keeper_of(connection, *numbers):
        return False
    if met_by_task(connection, numbers):
        return True
    raise errors.no_customer(number)
