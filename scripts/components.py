"""What the program is made of: every locked requirement with its licence, refused where it is GPL or AGPL; as an SBOM on request.

The licence is what the installed distribution states: an SPDX expression, its classifiers, or its words. A package whose
licence nobody can read is refused like one that may not be shipped.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
# What is shipped; what only tests and documents need is not.
LOCK = HOME / "requirements" / "runtime.txt"
_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
# GPL and AGPL in any spelling; the Lesser GPL, which lets others link, is neither.
_REFUSED = re.compile(r"(?<!L)(?<!LESSER )\b(A?GPL|(GNU )?(AFFERO )?GENERAL PUBLIC LICENSE)", re.IGNORECASE)
_LESSER = re.compile(r"LGPL|lesser general public", re.IGNORECASE)
_NONE = re.compile(r"^(unknown|other/proprietary license|)$", re.IGNORECASE)
# Licences that a distribution does not state in its metadata, read in its own files.
STATED: dict[str, str] = {}


@dataclass(frozen=True)
class Component:
    """A locked requirement: its version, the hashes it may have, and what its distribution says of its licence."""

    name: str
    version: str
    hashes: tuple[str, ...]
    licence: str

    @property
    def refusal(self) -> str:
        """Why it may not be shipped; empty where it may."""
        if _NONE.match(self.licence.strip()):
            return "states no licence"
        if _REFUSED.search(_LESSER.sub("", self.licence)):
            return f"is {self.licence}"
        return ""


def licence_of(found: Distribution) -> str:
    """Return the licence that a distribution states: its expression, else its classifiers, else its words."""
    stated = found.metadata.get("License-Expression") or ""
    if not stated:
        classifiers = found.metadata.get_all("Classifier") or []
        named = [one.rsplit("::", 1)[1].strip() for one in classifiers if one.startswith("License ::")]
        stated = " AND ".join(one for one in named if one != "OSI Approved")
    if not stated:
        stated = (
            (found.metadata.get("License") or "").strip().splitlines()[0:1][0] if found.metadata.get("License") else ""
        )
    return stated


def components(lock: Path = LOCK) -> list[Component]:
    """Return every requirement of a lock that is installed here; one for another system is not."""
    written = lock.read_text(encoding="utf-8")
    starts = [*_LOCKED.finditer(written)]
    ends = [*(one.start() for one in starts[1:]), len(written)]
    made: dict[str, Component] = {}
    for one, end in zip(starts, ends, strict=True):
        name = one["name"].lower()
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        if found.version == one["version"]:
            hashes = tuple(_HASH.findall(written[one.start() : end]))
            made[name] = Component(name, found.version, hashes, STATED.get(name) or licence_of(found))
    return [made[name] for name in sorted(made)]


def bill(parts: list[Component]) -> dict[str, Any]:
    """Return the parts as a CycloneDX 1.6 bill of materials."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "bankloop", "version": distribution("bankloop").version}
        },
        "components": [
            {
                "type": "library",
                "name": one.name,
                "version": one.version,
                "purl": f"pkg:pypi/{one.name}@{one.version}",
                "licenses": [{"license": {"name": one.licence}}],
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in one.hashes],
            }
            for one in parts
        ],
    }


def main(arguments: list[str] | None = None) -> int:
    """Say which parts may not be shipped, 1 where there is one; write the bill where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sbom", type=Path, help="file to write a CycloneDX bill of materials to")
    asked = parser.parse_args(arguments)
    parts = components()
    refused = [one for one in parts if one.refusal]
    for one in refused:
        print(f"{one.name} {one.version} {one.refusal}: it may not be shipped; find another, or read its licence")
    if asked.sbom is not None:
        asked.sbom.write_text(json.dumps(bill(parts), indent=2) + "\n", encoding="utf-8")
    print(f"{len(parts)} parts, {len(refused)} refused")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
