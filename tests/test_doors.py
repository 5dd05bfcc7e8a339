"""Whatever reads what somebody else wrote goes through a bounded door: a reader beside the doors is found here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bankloop

HOUSE = Path(bankloop.__file__).parent
# What makes values of bytes, by the last part of its name; of ``load`` and ``open`` only those of these modules.
READERS = {
    "safe_load", "safe_load_all", "full_load", "unsafe_load", "get_single_node", "loads", "raw_decode", "json",
    "load_workbook", "ExcelFile", "read_excel", "DictReader", "read_csv", "open_csv", "read_parquet",
    "ParquetFile", "ParquetDataset", "read_table", "read_schema",
    "read_metadata", "ZipFile", "TarFile", "GzipFile", "genfromtxt", "loadtxt", "read_feather", "read_pickle",
}  # fmt: skip
LOADING = {"yaml", "json", "pickle", "joblib", "np", "numpy", "gzip", "bz2", "lzma", "tarfile", "csv", "marshal"}
IN_SQL = ("read_csv(", "read_csv_auto(", "read_parquet(", "read_json(", "read_text(", "read_blob(")
CHECKS = {"size_within", "parquet_within", "text_within", "zip_within", "whole_lines", "check_json", "sheet_rows"}
# The doors: bounded, and tested to be.
DOORS = {"kit/located.py", "kit/bounded.py", "lake/outside.py", "lake/sheets.py", "lake/readers.py"}
# They read what the door let in: each function that reads calls the door before.
BEHIND_A_DOOR = {"customer/identity/reading.py", "loop/evaluate/policy/logged.py"}
# What the platform itself wrote, keeps to itself and reads again, and why nobody else's hand is in it.
OWN = {
    "cli/consents.py": "what it has just written as canonical JSON",
    "bench/attacks/approvals.py": "answers of the program that it attacks",
    "bench/attacks/files.py": "a workbook that it has just made",
    "bench/attacks/inference.py": "answers of the program that it attacks",
    "bench/attacks/requests.py": "answers of the program that it attacks",
    "bench/attacks/rights.py": "answers of the program that it attacks",
    "bench/attacks/signing.py": "answers of the program that it attacks",
    "bench/results.py": "results that it kept before",
    "bench/expressions.py": "a file that it has just made",
    "bench/identity_specs.py": "public data sets that whoever measures puts there",
    "bench/inference.py": "a file that it has just made",
    "bench/known.py": "public data sets that whoever measures puts there",
    "bench/valuing.py": "public data sets that whoever measures puts there",
    "customer/identity/intake.py": "sealed with the bank's keys",
    "customer/identity/matching.py": "comes with the package",
    "customer/keeping.py": "made by the platform under data/",
    "customer/overview/ordered.py": "made by the platform under data/",
    "customer/state.py": "made by the platform under data/",
    "lake/extract.py": "an answer that it wrote itself",
    "lake/engine.py": "versions of the lake, written by the platform",
    "lake/load.py": "a version that is being written",
    "loop/round/labels.py": "columns of the platform's own decisions",
    "loop/model/artefacts.py": "a model's own file, whose digest is checked first",
    "loop/round/rule_trials.py": "columns of the platform's own decisions",
    "loop/round/trace.py": "columns of the platform's own decisions",
    "loop/round/logged_actions.py": "columns of the platform's own decisions",
    "report/exporting.py": "what it has just written as canonical JSON",
    "report/keeping.py": "made by the platform under data/",
    "report/pooled.py": "made by the platform under data/",
    "simulate/registers.py": "a workbook that it has just made, packed anew",
    "simulate/standing.py": "made by the simulator",
    "simulate/world.py": "made by the simulator",
    "store/audit/anchor.py": "lines that the platform appends",
    "store/audit/record.py": "sealed with the bank's keys",
    "store/copying.py": "batches of the platform's own tables",
    "store/embedded/cluster.py": "the cluster's own secrets, for their owner alone",
    "store/embedded/handles.py": "the server's own state, for its owner alone",
    "store/outbox.py": "reasons that it wrote itself",
    "store/registry.py": "what it has just written as canonical JSON",
    "web/api/dependencies.py": "sealed with the bank's keys",
    "web/api/idempotency.py": "an answer that it made before",
    "web/shell/console.py": "made by the simulator",
    "web/shell/forms.py": "sealed with the bank's keys",
    "web/pages/signin/routes.py": "sealed with the bank's keys",
}


def named(call: ast.Call) -> str:
    """Return the function's name where it reads bytes, '' otherwise."""
    match call.func:
        case ast.Attribute(value=ast.Name(id=module), attr="load" | "open" | "reader" | "parse" | "scan" as name):
            return f"{module}.{name}" if module in LOADING else ""
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in READERS:
            return name
    return ""


def reading(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and name of everything in a module that makes values of bytes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := named(node)):
            yield node.lineno, name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield from ((node.lineno, part) for part in IN_SQL if part in node.value)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(HOUSE.rglob("*.py")):
        yield path.relative_to(HOUSE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_whatever_reads_goes_through_a_bounded_door() -> None:
    known = DOORS | BEHIND_A_DOOR | OWN.keys()
    beside = [
        f"{module}:{line} {name}" for module, tree in modules() if module not in known for line, name in reading(tree)
    ]
    assert beside == []


def test_nothing_is_excused_that_reads_nothing() -> None:
    idle = [module for module, tree in modules() if module in OWN and not list(reading(tree))]
    assert idle == []
    assert {module for module, _ in modules()} >= DOORS | BEHIND_A_DOOR | OWN.keys()


def test_behind_a_door_every_reader_has_asked_it_before() -> None:
    trees = dict(modules())
    for module in BEHIND_A_DOOR:
        functions = [node for node in ast.walk(trees[module]) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            calls = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            runs = any(isinstance(n, ast.Call) and (named(n) or _asks(n)) for n in ast.walk(function))
            assert not runs or calls & CHECKS, f"{module}: {function.name}"


def _asks(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "sql"


# What only writes YAML.
_WRITES = ("dump", "SafeDumper", "Node")


def test_yaml_has_one_door_alone() -> None:
    inside = [
        module
        for module, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yaml"
        if node.attr not in ("safe_dump", "YAMLError", *_WRITES)
    ]
    assert set(inside) == {"kit/located.py"}
