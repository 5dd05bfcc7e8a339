"""What may not be shipped is refused by its licence, however it is spelled; the bill of materials names every part."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "components.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("components", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["components"] = found
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-only",
        "AGPL-3.0-or-later",
        "GPLv2",
        "GNU General Public License v3 (GPLv3)",
        "GNU Affero General Public License v3",
        "MIT AND GPL-2.0-only",
        "LGPL-3.0-only AND GPL-3.0-only",
        "UNKNOWN",
        "",
    ],
)
def test_gpl_and_agpl_and_what_states_nothing_are_refused(script: ModuleType, licence: str) -> None:
    assert script.Component("x", "1", (), licence).refusal


@pytest.mark.parametrize(
    "licence",
    ["MIT", "Apache-2.0", "LGPL-3.0-only", "GNU Lesser General Public License v3 (LGPLv3)", "BSD License", "MPL-2.0"],
)
def test_what_may_be_shipped_is_not(script: ModuleType, licence: str) -> None:
    assert script.Component("x", "1", (), licence).refusal == ""


def test_the_bill_names_every_part_with_its_hashes(script: ModuleType, tmp_path: Path) -> None:
    assert script.main(["--sbom", str(tmp_path / "sbom.json")]) == 0
    bill = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert len(bill["components"]) > 70
    for part in bill["components"]:
        assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}"
        assert part["hashes"]
        assert part["licenses"][0]["license"]["name"]
    assert {"fastapi", "psycopg", "duckdb"} <= {part["name"] for part in bill["components"]}


def test_what_is_installed_goes_into_the_folder_s_own_environment() -> None:
    """Another environment may be active in the shell of whoever runs make."""
    lines = (SCRIPT.parent.parent / "Makefile").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if "pip install" in line]
    assert [line for line in installs if "$(BIN)/python" not in line] == []
    assert sum(line.startswith("\t$(INSTALL) ") for line in lines) > 1
