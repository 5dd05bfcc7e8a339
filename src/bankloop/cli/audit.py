"""Commands on the audit trail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, show_table, tell
from bankloop.cli.who import permit
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

_HERE = Path()

group = typer.Typer(
    help="审计链：封存与核验。Seal and verify the audit chain.", no_args_is_help=True, rich_markup_mode=None
)


@group.command("verify")
@handled
def verify(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """核验审计链，找出被改、被删、被调序、被截断之处。Verify the chain; every broken place is located. Exit 1 if any."""
    from bankloop.store.audit import check_audit
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store:
        permit(store, "audit.verify")
        report = check_audit(store)
    rows = [[f.kind, f.seal, f.row if f.row is not None else "", f.detail] for f in report.findings]
    said = Text("{mark} 核验了 {rows} 行，{seals} 封", "{mark} {rows} rows and {seals} seals verified")
    tell(said.filled(mark="✓" if report.ok else "✗", rows=f"{report.rows:,}", seals=f"{report.seals:,}"))
    if rows:
        show_table("", ["问题 / kind", "封 / seal", "行 / row", ""], rows)
    finish(
        {"ok": report.ok, "rows": report.rows, "seals": report.seals, "findings": [list(map(str, r)) for r in rows]},
        as_json,
    )
    if not report.ok:
        raise typer.Exit(1)


@group.command("anchor")
@handled
def anchor(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """封存到此刻为止的审计行并锚定。Seal every row whose transaction is over and anchor the seal."""
    from bankloop.store.audit import anchor_file, seal_audit
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store:
        permit(store, "audit.verify")
        sealed = seal_audit(store)
    place = str(anchor_file(bank))
    show_table(place, ["封存 / sealed"], [[sealed]], right=[0])
    finish({"sealed": sealed, "anchor": place}, as_json)


@group.command("purge")
@handled
def purge(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """删除超过保存期、且不在保全中的审计行。Delete rows that are kept no longer and under no hold; the purge itself is a row."""
    from bankloop.organization.principals import system
    from bankloop.store.audit import purge_due
    from bankloop.store.database import open_store

    with open_store(bank, bank_clock(bank)) as store:
        permit(store, "audit.verify")
        gone = purge_due(store, system("retention"))
    show_table("到期 / due", ["类别 / class", "行 / rows"], [[k, n] for k, n in gone.items()], right=[1])
    finish({"purged": gone}, as_json)


@group.command("hold")
@handled
def hold(
    what: Annotated[
        str, typer.Argument(help="对象，如 customer/C1；不写则列出 / object as KIND/ID; lists without it")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="原因 / why")] = "",
    release: Annotated[UUID | None, typer.Option("--release", help="解除哪一项 / hold to release")] = None,
    bank: Folder = _HERE,
    as_: Person = "compliance",
    as_json: AsJson = False,
) -> None:
    """法律保全：列出、加上或解除。Legal holds: list those in force, place one, or release one."""
    from bankloop.cli.customers import acting_in
    from bankloop.kit.errors import InputError
    from bankloop.kit.text import Text
    from bankloop.store.audit import holds, place_hold, release_hold

    kind, _, name = what.partition("/")
    if (what and not name) or ((what or release) and not reason.strip()):
        raise InputError(
            "hold.words",
            Text(
                "对象写成 类别/编号，并用 --reason 说明原因", "write the object as KIND/ID, and say why with --reason"
            ),
        )
    with acting_in(bank, as_, "hold.release" if release else "hold.place" if what else "hold.read") as connection:
        if release is not None:
            release_hold(connection, release, reason)
        elif what:
            place_hold(connection, kind, name, reason)
        found = holds(connection)
    rows = [
        [one.hold_id, f"{one.object_kind}/{one.object_id}", one.reason, f"{one.placed_at:%Y-%m-%d}"] for one in found
    ]
    show_table("保全 / holds", ["编号 / id", "对象 / object", "原因 / why", "起 / since"], rows)
    plain = [{"hold": str(o.hold_id), "kind": o.object_kind, "id": o.object_id, "reason": o.reason} for o in found]
    finish({"holds": plain}, as_json)
