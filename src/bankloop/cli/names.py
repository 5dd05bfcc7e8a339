"""Names that a terminal completes, read from files alone, so that a tab waits for nothing."""

from __future__ import annotations

from pathlib import Path

import typer


def campaign_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the campaigns of the bank that the command names which begin as what is typed."""
    folder = Path(ctx.params.get("bank") or ".") / "campaigns"
    return sorted(place.stem for place in folder.glob("*.yaml") if place.stem.startswith(incomplete))


def role_names(incomplete: str) -> list[str]:
    """Return the roles of the catalogue which begin as what is typed."""
    from bankloop.organization.rights import ROLES

    return [name for name in ROLES if name.startswith(incomplete)]
