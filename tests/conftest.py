"""What every test can ask for: a clock that stands still, one PostgreSQL per worker, a fresh migrated database."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from bankloop.customer.consent.ledger import append_consents
from bankloop.kit.clock import FixedClock
from bankloop.store.contracts import Principal
from bankloop.store.database import Store, attach_store, create_database
from bankloop.store.embedded import EmbeddedServer, remove_cluster, start_server
from bankloop.store.sources import EmbeddedSource
from bankloop.work.approvals import check_kinds
from tests.databases import administering, copy_database, drop_database

# Every room is there: verbs are guarded, and every kind of approval has its effects.
check_kinds()

TEMPLATE = "template_bank"
_SPARK = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
}

# What a power cut would lose is not asked of a server that lives for minutes; else tests wait for the disk.
_FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB"}

_numbers = itertools.count(1)
# Slow machines are slow: no test is about how long an example takes. Nothing is refused for what chance finds in it;
# `make soak` searches with examples of its own.
settings.register_profile("bankloop", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bankloop")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let long tests be sampled: all of them, or one part of several, another each day."""
    parser.addoption(
        "--soak", default="all", metavar="PART/PARTS", help="long tests: all, or one part, as 2/6; today/6 turns daily"
    )


def sampled(node: str, asked: str, day: int) -> bool:
    """Return whether a long test is in the part that was asked for."""
    if asked == "all":
        return True
    part, _, parts = asked.partition("/")
    turn = day if part == "today" else int(part)
    return crc32(node.encode()) % int(parts) == turn % int(parts)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that open a bank: what is left without a mark runs in minutes; of the long ones take the sample."""
    asked, day = config.getoption("--soak"), datetime.now(UTC).toordinal()
    left = [item for item in items if item.get_closest_marker("soak") and not sampled(item.nodeid, asked, day)]
    if left:
        config.hook.pytest_deselected(items=left)
        gone = set(left)
        items[:] = [item for item in items if item not in gone]
    for item in items:
        if isinstance(item, pytest.Function) and "store_server" in item.fixturenames:
            item.add_marker("bank")
    items[:] = by_file(items)


def by_file(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests file by file, as a worker takes them: long ones first, then what opens a bank, then the rest.

    Of a kind the file with the fewest tests comes first, so that at the end no worker waits for a few that are long.
    """
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.split("::", 1)[0], []).append(item)

    def turn(tests: list[pytest.Item]) -> tuple[int, int]:
        marks = {mark.name for test in tests for mark in test.iter_markers()}
        kind = 0 if marks & {"soak", "spark", "browser"} else 1 if marks & {"bank", "ldap"} else 2
        return kind, len(tests)

    return [test for tests in sorted(files.values(), key=turn) for test in tests]


@pytest.fixture(autouse=True, scope="session")
def private_files() -> Iterator[None]:
    """Let tests write as the command does: for their own user alone."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture(autouse=True, scope="session")
def own_state() -> Iterator[None]:
    """Keep the clusters of tests out of the user's own state, and tests off a database that the user named."""
    before = {name: os.environ.pop(name, None) for name in ("BANKLOOP_DATABASE_URL", "BANKLOOP_STATE_DIR")}
    os.environ["BANKLOOP_STATE_DIR"] = str(Path(tempfile.gettempdir()) / f"bankloop-tests-{os.geteuid()}")
    yield
    os.environ.pop("BANKLOOP_STATE_DIR")
    os.environ.update({name: value for name, value in before.items() if value is not None})


@pytest.fixture(scope="session")
def clock() -> FixedClock:
    """A clock that stands still at ten in the morning of 2026-06-30 in the bank's zone."""
    return FixedClock(datetime(2026, 6, 30, 2, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def store_server(
    own_state: None, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    """One server for all tests of this worker, with a migrated database to copy."""
    bank = tmp_path_factory.mktemp("server")
    server = start_server(bank)
    try:
        with administering(server) as connection:
            for name, value in _FLEETING.items():
                connection.execute(text(f"ALTER SYSTEM SET {name} = '{value}'"))
            connection.execute(text("SELECT pg_reload_conf()"))
        create_database(server, TEMPLATE)
        attach_store(bank, clock, server, TEMPLATE).close()
        yield server
    finally:
        remove_cluster(bank)
        server.leave()


@pytest.fixture
def database(store_server: EmbeddedServer) -> Iterator[str]:
    """The name of a fresh migrated database, dropped after the test: thousands of them would fill the disk."""
    name = f"bank_{next(_numbers)}"
    copy_database(store_server, name, TEMPLATE)
    yield name
    drop_database(store_server, name)


@pytest.fixture
def store(store_server: EmbeddedServer, database: str, clock: FixedClock, tmp_path: Path) -> Iterator[Store]:
    """A store on a fresh migrated database; its bank folder is ``tmp_path``."""
    with attach_store(tmp_path, clock, store_server, database) as opened:
        yield opened


@pytest.fixture
def put_in_book(store: Store) -> Callable[..., None]:
    """Put customers into the book of a unit, and of a member of staff where one is named."""

    def put(customers: Iterable[str], unit: str, staff: str | None = None, line: str = "retail") -> None:
        rows = [{"no": no, "unit": unit, "staff": staff, "line": line} for no in customers]
        with store.begin(Principal("system:test", units=("*",))) as connection:
            connection.execute(
                text(
                    "INSERT INTO customer_book (customer_no, line, valid_from, unit_id, staff_id, says) "
                    "VALUES (:no, :line, '2026-01-01', :unit, :staff, '')"
                ),
                rows,
            )

    return put


@pytest.fixture
def database_url(store_server: EmbeddedServer, database: str) -> str:
    """The owner's URL of a fresh migrated database, as BANKLOOP_DATABASE_URL takes it."""
    return EmbeddedSource(store_server, database, owns=False).admin_url().render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def spark_session() -> Iterator[Any]:
    """A small Spark on this machine: two threads, no pages, UTC, quiet."""
    sql = pytest.importorskip("pyspark.sql", reason="the extra `spark` is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    logging.getLogger("py4j").setLevel(logging.ERROR)
    builder = sql.SparkSession.builder.master("local[2]").appName("bankloop-tests")
    for name, value in _SPARK.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def allow(store: Store) -> Callable[..., None]:
    """Let customers allow marketing over every channel, a year ago."""

    def consents(customers: Iterable[str]) -> None:
        allowed = [
            {"customer_no": no, "purpose": "marketing", "stands": True, "said_at": datetime(2025, 6, 30, tzinfo=UTC), "origin": "letter"}
            for no in customers
        ]  # fmt: skip
        with store.begin(Principal("system:test", units=("*",))) as connection:
            append_consents(connection, pa.Table.from_pylist(allowed))

    return consents
