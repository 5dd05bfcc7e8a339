"""Bring a bank's own files: look at all of them, try what is proposed, and make the bank's folder of it.

Whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from bankloop.kit.clock import Clock
from bankloop.kit.errors import ConflictError, DataError, InputError
from bankloop.kit.text import Text
from bankloop.lake import errors
from bankloop.lake.engine import connect
from bankloop.lake.extract import answer, answer_reason, database_url
from bankloop.lake.proposal.contracts import FileLook, Proposal
from bankloop.lake.proposal.looking import look_at, look_at_rows, no_file
from bankloop.lake.proposal.writing import EMPTY_BANK_YAML, bank_yaml
from bankloop.lake.trial import DataTrial, try_load

_MEMORY = "1GB"
_TABLE_ROWS = 20_000
_URL = "://"
_DUMP = ".sql"
Put = Callable[[Path, Path], object]


def look_at_all(given: Sequence[str], today: date) -> tuple[FileLook, ...]:
    """Return what the files are, and the tables of databases, which are named by the variable that holds their address.

    Raises ``DataError`` for what cannot be read, ``EnvironmentFault`` for what may not be, ``InputError`` for an URL.
    """
    _check_names(given)
    found: list[FileLook] = []
    with tempfile.TemporaryDirectory(prefix="bankloop-look-") as place:
        scratch = Path(place)
        with connect(scratch, _MEMORY) as engine:
            for one in given:
                path = Path(one)
                with errors.guarded(one):
                    is_file = path.exists()
                if is_file:
                    found.append(look_at(engine, path, scratch))
                elif one in os.environ:
                    found += _tables(engine, one, today)
                else:
                    raise no_file(path)
    return tuple(found)


def look_at_file(path: Path) -> FileLook:
    """Return what one file is; raise as ``look_at_all`` does."""
    if path.suffix.lower() == _DUMP:
        raise a_dump(path.name)
    with tempfile.TemporaryDirectory(prefix="bankloop-look-") as place, connect(Path(place), _MEMORY) as engine:
        return look_at(engine, path, Path(place))


def try_proposal(given: Sequence[str], proposal: Proposal, clock: Clock) -> DataTrial:
    """Return what loading the files by a proposal would do; nothing stays behind."""
    with tempfile.TemporaryDirectory(prefix="bankloop-proposal-") as place:
        folder = Path(place)
        _arrive(folder, given, proposal.day, link)
        (folder / "bank.yaml").write_text(bank_yaml(proposal), encoding="utf-8")
        return try_load(folder, clock)


def make_bank(folder: Path, given: Sequence[str], proposal: Proposal, *, move: bool = False) -> None:
    """Write bank.yaml and put copies of the files, or the files themselves, where a load takes them.

    Raise ``ConflictError`` where a bank is already.
    """
    check_free(folder)
    put: Put = moved if move else shutil.copyfile
    with errors.guarded(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        _arrive(folder, given, proposal.day, put)
        # Last: a folder with a bank.yaml is a bank.
        write_whole(folder / "bank.yaml", bank_yaml(proposal))


def begin_empty(folder: Path) -> None:
    """Make of an empty folder, or of none, a bank that has no files yet.

    Raise ``ConflictError`` for one in which something lies.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise already_a_bank(folder)
    with errors.guarded(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "bank.yaml", EMPTY_BANK_YAML)


def is_free(folder: Path) -> bool:
    """Return whether a folder has no bank.yaml, or that of a bank without files which nobody has changed."""
    place = folder / "bank.yaml"
    if folder.is_file():
        return False
    return not place.exists() or place.read_bytes() == EMPTY_BANK_YAML.encode()


def check_free(folder: Path) -> None:
    """Raise ``ConflictError`` for a folder that is a bank's with files of its own, or a file."""
    if not is_free(folder):
        raise already_a_bank(folder)


def write_whole(place: Path, text: str) -> None:
    """Write a file so that a reader sees the one before or this one, never a part."""
    partial = place.with_name(f"{place.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(place)


def _check_names(given: Sequence[str]) -> None:
    for one in given:
        if _URL in one:
            raise no_address()
        if Path(one).suffix.lower() == _DUMP:
            raise a_dump(Path(one).name)
    names = [Path(one).name for one in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise same_name(twice)


def _arrive(folder: Path, given: Sequence[str], day: date, put: Put) -> None:
    place = folder / "data" / "incoming" / day.isoformat()
    place.mkdir(parents=True, exist_ok=True)
    for path in (Path(one) for one in given if Path(one).exists()):
        put(path, place / path.name)
    (place / ".ok").touch()


def link(path: Path, target: Path) -> None:
    """Let a file be seen at another place."""
    target.symlink_to(path.resolve())


def moved(path: Path, target: Path) -> None:
    """Put a file into another place."""
    path.replace(target)


def _tables(engine: duckdb.DuckDBPyConnection, variable: str, today: date) -> Iterator[FileLook]:
    """Yield what the tables of a database are, each by some of its rows."""
    with _connected(variable) as connection:
        for table in sorted(sqlalchemy.inspect(connection).get_table_names()):
            quoted = connection.dialect.identifier_preparer.quote(table)
            batches = answer(connection, f"SELECT * FROM {quoted} LIMIT {_TABLE_ROWS}", today)
            engine.register("looked_at", pa.concat_tables(batches))
            yield look_at_rows(engine, table, "SELECT * FROM looked_at", variable)
            engine.unregister("looked_at")


@contextmanager
def _connected(variable: str) -> Iterator[sqlalchemy.Connection]:
    url = database_url(variable, variable)
    try:
        with sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True).connect() as connection:
            yield connection
    except (SQLAlchemyError, ImportError) as error:
        raise errors.database_failed(variable, variable, answer_reason(error)) from error


def already_a_bank(folder: Path) -> ConflictError:
    """A folder that is some bank's, whose bank.yaml somebody may have changed by hand."""
    return ConflictError(
        "init.already",
        Text(
            "{folder} 已经是银行文件夹（或是一个文件），不覆盖；请另选文件夹，或修改其中的 bank.yaml 后用 bankloop check --data 试装",
            "{folder} is a bank's folder already, or a file, and is not overwritten; choose another, "
            "or change its bank.yaml "
            "and try it by bankloop check --data",
        ),
        folder=folder,
    )


def no_address() -> InputError:
    """An address of a database on the command line, where others can read it."""
    return InputError(
        "init.address",
        Text(
            "数据库地址含口令，不写在命令里；把它放进环境变量，再写变量名：--from CORE_DATABASE_URL",
            "an address holds a password and is not written into a command; put it into an environment "
            "variable and name "
            "that: --from CORE_DATABASE_URL",
        ),
    )


def a_dump(name: str) -> DataError:
    """A dump in SQL, which is a program and no table."""
    return DataError(
        "init.dump",
        Text(
            "{name} 是 SQL 转储，不会执行它；请导入一个数据库后用 --from 变量名 读取，或把表导出成 CSV",
            "{name} is a dump in SQL and is not executed; restore it into a database and read that by "
            "--from VARIABLE, or "
            "export its tables as CSV",
        ),
        name=name,
    )


def same_name(name: str) -> InputError:
    """Two files of one name, which cannot lie in one folder."""
    return InputError(
        "init.same_name",
        Text("有两个文件都叫 {name}；请改名其中一个", "two files are called {name}; rename one of them"),
        name=name,
    )
