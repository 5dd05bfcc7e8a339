"""Personal data go nowhere: the small bank's own names, phones and numbers are looked for wherever something is written."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import BankloopError
from bankloop.store.audit import read_audit, record_audit
from bankloop.store.backup import make_backup
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.outbox import enqueue
from bankloop.store.vault import Identifier, keep_identifiers, read_identifiers
from tests.bankfixture import SmallBank, shared

PROGRAM = Principal("system:canary", frozenset({"system"}), ("*",), "test")
PHONE, NAME, NUMBER = "13987654321", "欧阳金丝雀", "11010519491231002X"
CANARIES = (PHONE, NAME, NUMBER)
# What the bank was sent, and what the simulator knows of its people, is theirs and not written by the platform.
GIVEN = ("data/incoming", "data/truth")


@pytest.fixture(scope="module")
def bank(
    store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallBank]:
    with shared(store_server, clock, tmp_path_factory) as found:
        yield found


def people(folder: Path) -> tuple[set[str], set[str]]:
    """Return the customers' phones and identity numbers, and their names of three characters and more."""
    numbers, names = set(), set()
    for path in folder.glob("data/incoming/*/core/customer.dat"):
        lines = path.read_text(encoding="gbk", errors="replace").replace("|@|", "\x1f").splitlines()
        for row in csv.DictReader(lines, delimiter="\x1f"):
            numbers |= {row["手机号"].strip(), row["证件号码"].strip()}
            names.add(row["姓名"].strip())
    return {n for n in numbers if len(n) >= 11}, {n for n in names if len(n) >= 3}


def written(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).as_posix()
        if path.is_file() and not inside.removeprefix("files/").startswith(GIVEN):
            yield path, path.read_bytes().decode("utf-8", "replace")


@pytest.mark.usefixtures("bank")
def test_what_the_bank_wrote_holds_no_customer_s_phone_number_or_name(
    bank: SmallBank, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every table, lake file, delivery, report and quarantine of a bank that lived through a round."""
    numbers, names = people(bank.open.folder)
    assert len(numbers) > 1_000
    assert len(names) > 100
    made = make_backup(bank.open.store, PROGRAM, tmp_path_factory.mktemp("canary") / "b", "0.1.0")
    digits, some = re.compile(r"\d{11,17}[\dXx]?"), re.compile("|".join(map(re.escape, sorted(names)[:400])))
    seen = 0
    for path, body in written(made.place):
        seen += 1
        assert not numbers & set(digits.findall(body)), path
        assert path.name == "staff" or not some.search(body), path
    assert seen > 30


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Everything that was logged or printed, down to every statement; looked through at the end."""
    for name in ("", "sqlalchemy.engine", "psycopg"):
        caplog.set_level(logging.DEBUG, name)
    said: list[str] = []
    yield said
    out, err = capfd.readouterr()
    for text in (*said, caplog.text, out, err):
        assert not [canary for canary in CANARIES if canary in text]


def failures(store: Store) -> Iterator[BaseException]:
    """Yield what is raised on the ways that personal data take, each made to fail."""

    def bulk(kind: str, customers: list[str], values: list[str]) -> None:
        with store.begin(PROGRAM) as connection:
            keep_identifiers(connection, kind, customers, values)

    def denied() -> None:
        with store.begin(Principal("li", units=("B01",), rights=frozenset({"customer.read"}))) as connection:
            keep_identifiers(connection, "phone", ["C9"], [PHONE])

    def broken() -> None:
        with store.begin(PROGRAM) as connection:
            record_audit(connection, "test.act", "customer", "C\x00", None, None, subject="C1", personal={"name": NAME})

    def moved() -> None:
        store.keys.unseal("phone", store.keys.seal("phone", PHONE, "C1"), "C2")

    def doubled() -> None:
        with store.begin(PROGRAM) as connection:
            raise RuntimeError(repr(read_identifiers(connection, ["C1"], ["phone", "name"])))

    def twice() -> None:
        bulk("phone", ["C8", "C8"], [PHONE, PHONE])

    for act in (denied, broken, moved, doubled, twice, lambda: bulk("name", ["C\x00"], [NAME])):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is, it must not tell
            act()

        yield raised.value


def test_no_error_and_no_log_names_a_person(store: Store, said: list[str]) -> None:
    with store.begin(PROGRAM) as connection:
        for kind, value in zip(("phone", "name", "id_no"), CANARIES, strict=True):
            keep_identifiers(connection, kind, ["C1"], [value])
        enqueue(connection, "delivery", "1", "B01", {"customer_no": "C1"})
    for error in failures(store):
        said.append(f"{type(error).__name__} {error} {error!r} {error.__cause__} {error.__context__}")
        if isinstance(error, BankloopError):
            said.append(str(error.as_dict()))
    assert len(said) >= 6


def test_the_trail_of_a_person_names_nobody(store: Store) -> None:
    with store.begin(PROGRAM) as connection:
        keep_identifiers(connection, "phone", ["C1"], [PHONE])
        read_identifiers(connection, ["C1"], ["phone"])
        record_audit(connection, "test.act", "customer", "C1", None, None, subject="C1", personal={"name": NAME})
    with store.begin(PROGRAM, Role.AUDITOR) as connection:
        told = "".join(str(row) for row in read_audit(connection))
    assert not [canary for canary in CANARIES if canary in told or canary.encode().hex() in told]


def test_an_identifier_hides_itself() -> None:
    assert PHONE not in repr(Identifier("C1", "phone", PHONE))
