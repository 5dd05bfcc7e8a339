"""Commands on the audit trail."""

from __future__ import annotations

from pathlib import Path

import typer

from bankloop.cli.screen import AsJson, Folder, finish, handled, show_table
from bankloop.cli.who import permit
from bankloop.kit import SystemClock

_HERE = Path()
COMMANDS: dict[str, object] = {}

group = typer.Typer(
    help="审计链：封存与核验。Seal and verify the audit chain.", no_args_is_help=True, rich_markup_mode=None
)


@group.command("verify")
@handled
def verify(bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """核验审计链，找出被改、被删、被调序、被截断之处。Verify the chain; every broken place is located. Exit 1 if any."""
    from bankloop.store import check_audit, open_store

    with open_store(bank, SystemClock()) as store:
        permit(store, "audit.verify")
        report = check_audit(store)
    rows = [[f.kind, f.seal, f.row if f.row is not None else "", f.detail] for f in report.findings]
    title = f"{'✓' if report.ok else '✗'} {report.rows:,} 行 / rows · {report.seals:,} 封 / seals"
    show_table(title, ["问题 / kind", "封 / seal", "行 / row", ""], rows)
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
    from bankloop.store import anchor_file, open_store, seal_audit

    with open_store(bank, SystemClock()) as store:
        permit(store, "audit.verify")
        sealed = seal_audit(store)
    place = str(anchor_file(bank))
    show_table(place, ["封存 / sealed"], [[sealed]], right=[0])
    finish({"sealed": sealed, "anchor": place}, as_json)
