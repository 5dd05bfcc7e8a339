"""States on disk: what a day was decided on is read again as it was, not computed again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from bankloop import __version__
from bankloop.customer.contracts import State
from bankloop.customer.persons import NO_LEADS
from bankloop.customer.state import table_digest
from bankloop.kit.ids import digest

# A round reads the state it was decided on a month later, and two days each time; a state is a third of its lake files.
KEPT_FILES = 6
_NAMED_BY = 16


def state_key(as_of: date, catalogue_digest: str, versions: Mapping[str, str], leads: pa.Table = NO_LEADS) -> str:
    """Return what a state is computed from and by which release, as one sha256."""
    return digest([__version__, as_of.isoformat(), catalogue_digest, dict(versions), table_digest(leads)])


def keep_state(folder: Path, key: str, state: State) -> None:
    """Write a state under ``folder`` and let the oldest go; where the disk refuses, nothing is kept and nothing lost."""
    said = {
        "as_of": state.as_of.isoformat(),
        "catalogue": state.catalogue_digest,
        "versions": dict(state.versions),
        "digest": state.digest,
    }
    path = folder / f"{key[:_NAMED_BY]}-{state.digest[:_NAMED_BY]}.arrow"
    partial = path.with_name(f"{uuid4().hex}.partial")
    table = state.table.replace_schema_metadata({"state": json.dumps(said)})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    _let_go(folder)


def kept_state(folder: Path, *, key: str = "", digest: str = "") -> State | None:
    """Return the state kept under a key or a digest; None where there is none, or where it is not what it was."""
    for path in sorted(folder.glob(f"{key[:_NAMED_BY] or '*'}-{digest[:_NAMED_BY] or '*'}.arrow")):
        try:
            with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as reader:
                table = reader.read_all()
            said = json.loads(table.schema.metadata[b"state"])
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
            continue
        plain = table.replace_schema_metadata(None)
        if table_digest(plain) == said["digest"] == (digest or said["digest"]):
            return State(plain, date.fromisoformat(said["as_of"]), said["catalogue"], said["versions"], said["digest"])
    return None


def _let_go(folder: Path) -> None:
    with suppress(OSError):
        kept = sorted(folder.glob("*.arrow"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-KEPT_FILES]:
            path.unlink(missing_ok=True)
