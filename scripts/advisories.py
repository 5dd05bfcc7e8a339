"""Look the locked requirements up in the advisories of their registry; a known vulnerability fails the check.

Where the advisories cannot be reached nothing is said of the packages, and that is printed instead of being passed over.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
LOCKS = tuple(f"requirements/{name}.txt" for name in ("runtime", "dev", "spark", "build", "uv"))
_SECONDS = 300


def findings(answer: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return what is known to be vulnerable, a sentence each, and the packages that could not be looked up."""
    known, unseen = [], []
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            unseen.append(package["name"])
        for one in package.get("vulns", ()):
            cure = ", ".join(one["fix_versions"]) or "no version yet"
            known.append(f"{package['name']} {package['version']}: {one['id']}; mended in {cure}")
    return known, unseen


def audit(lock: Path) -> Mapping[str, Any] | None:
    """Return what the advisories say of a lock; None where they cannot be reached."""
    command = (sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--require-hashes", "-r", str(lock))
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command on a file of ours
            (*command, "--format", "json", "--progress-spinner", "off"), capture_output=True, text=True, timeout=_SECONDS
        )  # fmt: skip
        answer: Mapping[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return answer


def main(locks: Sequence[str] = LOCKS) -> int:
    """Print what is known; 1 where something is vulnerable."""
    worst = 0
    for lock in locks:
        answer = audit(HOME / lock)
        known, unseen = findings(answer) if answer is not None else ([], ["*"])
        seen = 0 if answer is None else len(answer["dependencies"]) - len(unseen)
        print(f"{lock}: {seen} looked up, {len(known)} vulnerable")
        if unseen:
            print(f"left out: advisories of {', '.join(unseen[:3])}{' …' if len(unseen) > 3 else ''} (not reachable)")
        for sentence in known:
            print(f"  {sentence}")
            worst = 1
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
