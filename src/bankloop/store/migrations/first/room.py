"""What a migration says of a room's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alembic import op

OWNER, LOADER, APP, AUDITOR = "bankloop_owner", "bankloop_loader", "bankloop_app", "bankloop_auditor"

READ, APPEND, KEEP = "SELECT", "SELECT, INSERT", "SELECT, INSERT, UPDATE"
NOTHING = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Who sees and changes the rows of one table: row policies by name, and the privileges of each role.

    Without policies the table has no row-level security: it says nothing about a customer or a unit. With them nothing
    is seen that none of them lets be seen; the auditor, who changes nothing, sees every row.
    """

    app: str
    policies: Mapping[str, str] | None = None
    loader: str = NOTHING
    auditor: str = READ


@dataclass(frozen=True, slots=True)
class Room:
    """A room's tables as statements, the functions and triggers that guard them, and the access to each table."""

    name: str
    tables: str
    access: Mapping[str, Access]
    guards: tuple[str, ...] = ()


def scope(condition: str) -> dict[str, str]:
    """Return the one policy of a table whose rows are read and written under one condition."""
    return {"scope": f"USING ({condition}) WITH CHECK ({condition})"}


def scopes(read: str, add: str, change: str | None = None) -> dict[str, str]:
    """Return the policies of a table whose rows are read, added and changed (by nobody: None) under conditions each."""
    policies = {"scope_read": f"FOR SELECT USING ({read})", "scope_add": f"FOR INSERT WITH CHECK ({add})"}
    return policies if change is None else {**policies, **changes(change)}


def changes(before: str, after: str | None = None) -> dict[str, str]:
    """Return the policy under which rows are changed: what they are before, and what they may become."""
    return {"scope_change": f"FOR UPDATE USING ({before}) WITH CHECK ({before if after is None else after})"}


def secure_table(table: str, access: Access) -> None:
    """Put a table under its policies and give each role its privileges."""
    if access.policies is not None:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for name, policy in {**access.policies, "audit": f"FOR SELECT TO {AUDITOR} USING (true)"}.items():
            op.execute(f"CREATE POLICY {name} ON {table} {policy}")
    for role, privileges in ((APP, access.app), (LOADER, access.loader), (AUDITOR, access.auditor)):
        if privileges:
            op.execute(f"GRANT {privileges} ON {table} TO {role}")
