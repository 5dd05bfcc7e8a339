"""Look the locked requirements up in the advisories of their registry; a known vulnerability fails the check.

Where the advisories cannot be reached nothing is said of the packages, and that is printed instead of being passed over;
a lock that nobody could look up for two months fails all the same.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
LOCKS = tuple(f"requirements/{name}.txt" for name in ("runtime", "dev", "spark", "build", "uv"))
# When each lock was renewed, and when it was last looked up as a whole.
KEPT = HOME / "requirements" / "checked.json"
_SECONDS = 300
_DAYS = 60


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


def judge(lock: str, kept: Mapping[str, Any], seen: str, today: date) -> str:
    """Return why a lock that could not be looked up may not stand; empty where it was locked or looked up lately."""
    known = kept.get(lock, {})
    if known.get("digest") != seen:
        return "it was renewed and nobody wrote down when: run `make lock`"
    last = date.fromisoformat(known.get("checked") or known["locked"])
    days = (today - last).days
    if days > _DAYS:
        return f"it was last looked up or renewed {days} days ago, more than {_DAYS}: run `make advisories` where they can be reached"
    return ""


def digest_of(lock: str) -> str:
    """Return the digest of a lock's text."""
    return hashlib.sha256((HOME / lock).read_bytes()).hexdigest()


def write_down(field: str, locks: Sequence[str], today: date) -> None:
    """Keep that locks were renewed, or looked up, today."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for lock in locks:
        digest = digest_of(lock)
        before = kept.get(lock, {}) if kept.get(lock, {}).get("digest") == digest else {"locked": today.isoformat()}
        kept[lock] = {"digest": digest, **{name: before[name] for name in ("locked", "checked") if name in before}}
        if field == "checked":
            kept[lock]["checked"] = today.isoformat()
    KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", encoding="utf-8")


def main(locks: Sequence[str] = LOCKS, today: date | None = None) -> int:
    """Print what is known; 1 where something is vulnerable, or a lock is old that could not be looked up."""
    today = today or datetime.now(UTC).date()
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    worst, whole = 0, []
    for lock in locks:
        answer = audit(HOME / lock)
        known, unseen = findings(answer) if answer is not None else ([], ["*"])
        seen = 0 if answer is None else len(answer["dependencies"]) - len(unseen)
        print(f"{lock}: {seen} looked up, {len(known)} vulnerable")
        if unseen:
            print(f"left out: advisories of {', '.join(unseen[:3])}{' …' if len(unseen) > 3 else ''} (not reachable)")
            refusal = judge(lock, kept, digest_of(lock), today)
            if refusal:
                print(f"{lock}: {refusal}")
                worst = 1
        else:
            whole.append(lock)
        for sentence in known:
            print(f"  {sentence}")
            worst = 1
    if whole:
        write_down("checked", whole, today)
    return worst


if __name__ == "__main__":
    if sys.argv[1:] == ["--renewed"]:
        write_down("locked", LOCKS, datetime.now(UTC).date())
        raise SystemExit(0)
    raise SystemExit(main())
