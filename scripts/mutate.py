"""Breaks each capability on purpose and expects its marked tests to fail: ``make mutate``.

``tests/mutations.yaml`` says how each is broken. A mutation is put into a copy of ``src`` that stands first on the path of
the tests; the working tree is never touched. It is caught where a marked test fails; survives where all pass; has no tests
where the machine lacks what they need (a browser); and is broken where no test could even begin, or where what it replaces
does not stand exactly once. A test that fails with nothing broken shows nothing, so all are run once before. Whatever is
neither caught nor without tests makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import yaml
from pages.capabilities import capabilities
from pages.source import ROOT

MUTATIONS = ROOT / "tests" / "mutations.yaml"
PACKAGE = Path("src", "bankloop")
CAUGHT, SURVIVED, NO_TESTS, BROKEN = "caught", "survived", "no tests", "broken"


@dataclass(frozen=True)
class Mutation:
    """One way to break a capability: in a file of the package, what stands there once and what takes its place."""

    capability: str
    file: str
    old: str
    new: str

    def of(self, text: str) -> str | None:
        """Return the file's text with the mutation; None where what it replaces does not stand there exactly once."""
        return text.replace(self.old, self.new) if text.count(self.old) == 1 and self.old != self.new else None


@dataclass(frozen=True)
class Verdict:
    """What became of a mutation: which test failed first and how, where one did."""

    result: str
    test: str = ""
    said: str = ""
    seconds: int = 0


def mutations() -> list[Mutation]:
    """Return all mutations, in the order of their file."""
    return [Mutation(*row) for row in yaml.safe_load(MUTATIONS.read_text(encoding="utf-8"))]


def chosen(found: Sequence[Mutation], only: str, sample: str) -> list[Mutation]:
    """Return the mutations of the capabilities named, or one part of several: ``2/4``, or ``today/4``, which turns daily."""
    names = {one.strip() for one in only.split(",") if one.strip()}
    if lost := names - {one.capability for one in found}:
        raise SystemExit(f"no mutation of {', '.join(sorted(lost))}")
    mine = [one for one in found if not names or one.capability in names]
    if not sample:
        return mine
    part, _, parts = sample.partition("/")
    turn = datetime.now(UTC).toordinal() if part == "today" else int(part)
    return mine[turn % int(parts) :: int(parts)]


def judged(report: ElementTree.Element) -> Verdict:
    """Return the verdict of a run of the marked tests, by its JUnit report."""
    cases = list(report.iter("testcase"))
    for kind, result in (("failure", CAUGHT), ("error", BROKEN)):
        for case in cases:
            if (found := case.find(kind)) is not None:
                said = found.get("message", "").strip().splitlines() or [""]
                return Verdict(result, case.get("name", ""), said[0][:160])
    ran = [case for case in cases if case.find("skipped") is None]
    return Verdict(SURVIVED if ran else NO_TESTS)


@contextmanager
def copied() -> Iterator[Path]:
    """Give a copy of the sources that keeps their times, so that what is compiled of them stays good."""
    with tempfile.TemporaryDirectory(prefix="bankloop-mutated-") as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src")
        yield Path(folder)


def tried(one: Mutation, folder: Path, tests: Sequence[str]) -> Verdict:
    """Put a mutation into the copy, run the tests on it and take it out again."""
    path = folder / PACKAGE / one.file
    before, times = path.read_text(encoding="utf-8"), path.stat()
    mutated = one.of(before)
    if mutated is None:
        return Verdict(BROKEN, said="what it replaces does not stand there exactly once")
    began = time.monotonic()
    path.write_text(mutated, encoding="utf-8")
    try:
        report = run(folder, tests, "-x")
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    if report is None:
        return Verdict(BROKEN, said="the tests could not be collected")
    found = judged(report)
    return Verdict(found.result, found.test, found.said, round(time.monotonic() - began))


def run(folder: Path, tests: Sequence[str], *more: str) -> ElementTree.Element | None:
    """Run tests on the copy and return their report; None where they could not be collected."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *more, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        check=False,
    )
    return ElementTree.parse(report).getroot() if report.exists() else None  # noqa: S314 - pytest wrote it just now


def main(arguments: list[str]) -> int:
    """Try mutations and tell what became of each; return 1 where one was not caught."""
    parser = argparse.ArgumentParser(prog="mutate.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", metavar="A3,A18", help="capabilities; all where none is named")
    parser.add_argument("--sample", default="", metavar="PART/PARTS", help="one part, as 2/4; today/4 turns daily")
    parser.add_argument("--json", action="store_true", help="what became of each, as JSON")
    asked = parser.parse_args(arguments)
    marked, done = capabilities(), []
    asked_for = chosen(mutations(), asked.only, asked.sample)
    tests_of = {one.capability: [f"{file}::{name}" for file, name in marked[one.capability]] for one in asked_for}
    with copied() as folder:
        whole = run(folder, [test for tests in tests_of.values() for test in tests])
        if whole is None or (before := judged(whole)).result in (CAUGHT, BROKEN):
            sys.stderr.write(f"a marked test fails with nothing broken: {before.test if whole else 'none runs'}\n")
            return 1
        for one in asked_for:
            tests = tests_of[one.capability]
            found = tried(one, folder, tests)
            done.append({**asdict(one), **asdict(found)})
            if not asked.json:
                print(f"{found.result:9} {one.capability:4} {found.seconds:4} s  {one.file}: {one.old.strip()[:70]}")
                print(f"{'':21}{found.test}  {found.said}", flush=True)
    if asked.json:
        print(json.dumps(done, ensure_ascii=False, indent=1))
    return 0 if all(one["result"] in (CAUGHT, NO_TESTS) for one in done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
