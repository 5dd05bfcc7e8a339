"""The audit trail, changed by who owns the database."""

from __future__ import annotations

from sqlalchemy import text

from bankloop.bench.attacks.target import AttackTarget, attack, held
from bankloop.organization.principals import system
from bankloop.store.audit import record_audit, seal_audit, verify_audit
from bankloop.store.contracts import Role


def _caught(target: AttackTarget, *statements: str) -> None:
    """Change the trail as its owner, verify, and put it back: the change must be located."""
    seal_audit(target.bank.store)
    held(verify_audit(target.bank.store).ok, "the trail did not verify before")
    with target.bank.store.begin(system(), Role.OWNER) as connection:
        connection.execute(text("CREATE TABLE kept_audit AS TABLE audit"))
        connection.execute(text("CREATE TABLE kept_seal AS TABLE audit_seal"))
        for statement in statements:
            connection.execute(text(statement))
    report = verify_audit(target.bank.store)
    with target.bank.store.begin(system(), Role.OWNER) as connection:
        for table, kept in (("audit", "kept_audit"), ("audit_seal", "kept_seal")):
            connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {kept}"))
            connection.execute(text(f"DROP TABLE {kept}"))
    held(not report.ok and report.findings, "nothing was found")
    held(verify_audit(target.bank.store).ok, "the trail was not put back")


@attack("trail")
def change_a_row(target: AttackTarget) -> None:
    """Change the reason of a row."""
    _caught(target, "UPDATE audit SET reason = 'another' WHERE id = (SELECT min(id) + 3 FROM audit)")


@attack("trail")
def drop_a_row(target: AttackTarget) -> None:
    """Drop a row from the middle."""
    _caught(target, "DELETE FROM audit WHERE id = (SELECT min(id) + 5 FROM audit)")


@attack("trail")
def cut_the_tail(target: AttackTarget) -> None:
    """Cut rows and their seals from the end."""
    _caught(
        target,
        "DELETE FROM audit WHERE id > (SELECT max(id) - 50 FROM audit)",
        "DELETE FROM audit_seal WHERE seal = (SELECT max(seal) FROM audit_seal)",
    )


@attack("trail")
def move_a_row_in_time(target: AttackTarget) -> None:
    """Have a row say that it happened an hour earlier."""
    late = "id = (SELECT max(id) - 9 FROM audit)"
    _caught(target, f"UPDATE audit SET recorded_at = recorded_at - interval '1 hour' WHERE {late}")


@attack("trail")
def say_another_did_it(target: AttackTarget) -> None:
    """Have a row say that somebody else did it."""
    _caught(target, "UPDATE audit SET principal = 'somebody' WHERE id = (SELECT min(id) + 7 FROM audit)")


@attack("trail")
def write_the_chain_anew(target: AttackTarget) -> None:
    """Write all seals anew over a changed trail."""
    seal_audit(target.bank.store)
    anchor = target.bank.folder / "data" / "audit-anchor"
    kept = anchor.read_bytes()
    with target.bank.store.begin(system(), Role.OWNER) as connection:
        connection.execute(text("DELETE FROM audit_seal"))
        connection.execute(text("UPDATE audit SET reason = 'rewritten' WHERE id = (SELECT max(id) FROM audit)"))
    anchor.unlink()
    with target.bank.store.begin(system("trail")) as connection:
        record_audit(connection, "campaign.edit", "campaign", "x", None, None, "after")
    seal_audit(target.bank.store)
    anchor.write_bytes(kept)
    held(not verify_audit(target.bank.store).ok, "the anchor outside was not asked")
