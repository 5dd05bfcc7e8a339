"""Registers taken in as files arrive: each file once, in the order of its days, then whoever is new or changed is linked."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection, insert, select

from bankloop.customer.identity.contracts import RECORD_SCHEMA, Linked, Registered
from bankloop.customer.identity.intake import register
from bankloop.customer.identity.linking import link_identities
from bankloop.customer.identity.repository import waiting
from bankloop.customer.tables import identity_file as table
from bankloop.lake.registers import RegisterFile, arrived, records_in
from bankloop.lake.service import Lake
from bankloop.organization.principals import system
from bankloop.store.database import Store, bank_wide, now_of


@dataclass(frozen=True, slots=True)
class RegisterReport:
    """What registers brought: files taken in, records new, changed and handed on, and what linking found; None where nothing was."""

    files: int
    new: int
    changed: int
    handed_on: int
    linked: Linked | None


def take_registers(store: Store, lake: Lake) -> RegisterReport:
    """Take in the files of registers that have arrived and were not taken in before, each in a transaction of its own.

    Killed in between, the same command goes on where it stopped. Raises ``SpecError`` for bank.yaml, ``DataError`` for a
    file that cannot be read; files before it stay taken in.
    """
    done = [found for file in arrived(lake) if (found := _take(store, lake, file)) is not None]
    with store.begin(system("identity", "load")) as connection:
        with bank_wide(connection):
            behind = bool(waiting(connection))
        linked = link_identities(connection) if behind else None
    return RegisterReport(
        len(done),
        sum(one.new for one in done),
        sum(one.changed for one in done),
        sum(one.handed_on for one in done),
        linked,
    )


def _take(store: Store, lake: Lake, file: RegisterFile) -> Registered | None:
    """Take a file in; None where it was before."""
    with store.begin(system("identity", "load")) as connection:
        if _known(connection, file):
            return None
        records = records_in(lake, file)
        rows = pa.table([records[field.name].cast(field.type) for field in RECORD_SCHEMA], schema=RECORD_SCHEMA)
        kept = rows.filter(rows["source_key"].is_valid())
        found: Registered = register(
            connection, file.register.name, kept, file.day or lake.today(), f"{file.label}@{file.digest[:12]}"
        )
        values = {
            "source": file.register.name,
            "digest": file.digest,
            "line": file.register.line,
            "file": file.label,
            "day": file.day,
        }
        counted = {"read": rows.num_rows, "empty": rows.num_rows - kept.num_rows, "taken_at": now_of(connection)}
        connection.execute(insert(table).values(**values, **counted))
    return found


def _known(connection: Connection, file: RegisterFile) -> bool:
    with bank_wide(connection):
        query = select(table.c.digest).where(table.c.source == file.register.name, table.c.digest == file.digest)
        return connection.scalar(query) is not None
