"""Generates the reference pages from the code, or with ``--check`` names those that differ and exits 1.

Everything is read from the source tree, the command line's own definitions, the spec's models and the built-in
catalogue; no database is opened. The same tree always gives the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pages.api import openapi_page
from pages.attributes import attributes_page
from pages.benchmarks import benchmarks_page
from pages.campaign_file import campaign_page
from pages.capabilities import capabilities_page, capabilities_page_zh
from pages.commands import commands_page
from pages.refusals import errors_page
from pages.rights import rights_page
from pages.source import DOCS
from pages.tables import tables_page

PAGES = {
    "reference/commands.md": commands_page,
    "reference/campaign-file.md": campaign_page,
    "reference/attributes.md": attributes_page,
    "reference/tables.md": tables_page,
    "reference/errors.md": errors_page,
    "reference/openapi.json": openapi_page,
    "reference/rights.md": rights_page,
    "capabilities.md": capabilities_page,
    "capabilities.zh.md": capabilities_page_zh,
    "benchmarks.md": benchmarks_page,
}


def differing() -> list[str]:
    """Return the generated pages whose file is not what would be written now."""
    return [name for name, page in PAGES.items() if _kept(DOCS / name) != page()]


def _kept(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` compare them; return the exit code."""
    if arguments == ["--check"]:
        stale = differing()
        for name in stale:
            sys.stderr.write(f"docs/{name} is not what the code says; run make docs\n")
        return 1 if stale else 0
    if arguments:
        sys.stderr.write("usage: reference.py [--check]\n")
        return 2
    for name, page in PAGES.items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
