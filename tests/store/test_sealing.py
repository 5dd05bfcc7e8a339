"""Keys and the vault: what is sealed opens under its own key, for its own row, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bankloop.kit.errors import ConflictError, DeniedError, EnvironmentFault, NotFoundError
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store
from bankloop.store.resealing import keys_in_use, renew_seals, rotate
from bankloop.store.sealing import KeyRing, blind_index, key_file, normal_identifier, open_keys
from bankloop.store.vault import customer_ring, erase_sealed, find_by_identifier, keep_identifiers, read_identifiers

PROGRAM = Principal("system:vault", frozenset({"system"}), ("*",), "test")
RING = KeyRing("k1", {"k1": b"1" * 32}, b"b" * 32, "here")


@given(st.text(), st.text(max_size=20), st.text(max_size=20))
def test_what_is_sealed_opens(plain: str, kind: str, about: str) -> None:
    sealed = RING.seal(kind, plain, about)
    assert RING.unseal(kind, sealed, about) == plain
    assert RING.rotated().unseal(kind, sealed, about) == plain
    assert RING.seal(kind, plain, about) != sealed
    assert RING.seal_many(kind, [plain], [about])[0] != sealed
    assert RING.unseal(kind, RING.seal_many(kind, [plain], [about])[0], about) == plain


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_changed_byte_does_not_open(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(RING.seal("id", plain, "C1"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((ConflictError, EnvironmentFault)):
        RING.unseal_bytes("id", bytes(sealed), "C1")


def test_a_value_moved_to_another_row_or_kind_does_not_open() -> None:
    sealed = RING.seal("phone", "13800138000", "C1")
    for kind, about in (("phone", "C2"), ("id_no", "C1")):
        with pytest.raises(ConflictError, match="seal_broken"):
            RING.unseal(kind, sealed, about)


def test_without_its_key_nothing_opens_and_the_cure_names_it() -> None:
    turned = RING.rotated()
    sealed = turned.seal("phone", "1", "C1")
    with pytest.raises(EnvironmentFault, match="k2"):
        RING.unseal("phone", sealed, "C1")
    with pytest.raises(EnvironmentFault):
        turned.without("k2")
    assert turned.without("k1").unseal("phone", sealed, "C1") == "1"


def test_no_key_is_ever_shown() -> None:
    assert "1111" not in repr(RING)
    assert set(RING.fingerprints()) == {"k1"}
    with pytest.raises(EnvironmentFault) as refused:
        KeyRing.read('{"format": 1, "current": "k1", "keys": {"k1": "c2VjcmV0LWtleQ=="}, "blind": ""}', "here")
    assert "c2Vj" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("phone", "138 0013-8000", "+86 13800138000"),
        ("phone", "13800138000", "１３８００１３８０００"),
        ("id_no", "11010519491231002x", " 11010519491231002X "),
        ("name", "王芳", " 王芳"),
    ],
)
def test_one_person_s_number_has_one_index(kind: str, one: str, other: str) -> None:
    assert normal_identifier(kind, one) == normal_identifier(kind, other)
    assert RING.blind(kind, one) == RING.blind(kind, other)
    assert RING.blind(kind, one) != RING.blind("other", one)


@given(st.lists(st.text(max_size=30)), st.text(max_size=8))
def test_many_indexes_are_those_of_one(values: list[str], kind: str) -> None:
    assert RING.blind_many(kind, values) == [blind_index(RING.blind_key, kind, value) for value in values]


def test_the_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    made = open_keys(tmp_path)
    path = key_file(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert tmp_path not in path.parents
    assert open_keys(tmp_path) == made
    path.chmod(0o644)
    with pytest.raises(EnvironmentFault, match="chmod 600"):
        open_keys(tmp_path)


def test_keys_come_from_the_environment_or_a_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "ring.json"
    monkeypatch.setenv("BANKLOOP_KEY_FILE", str(named))
    with pytest.raises(EnvironmentFault, match="bad_keys"):
        open_keys(tmp_path)
    named.write_text(RING.written())
    named.chmod(0o600)
    assert open_keys(tmp_path).ring == RING.ring
    monkeypatch.setenv("BANKLOOP_KEYS", RING.rotated().written())
    assert open_keys(tmp_path).current == "k2"


def keep(store: Store, kind: str, values: dict[str, str]) -> int:
    with store.begin(PROGRAM) as connection:
        return keep_identifiers(connection, kind, list(values), list(values.values()))


def test_identifiers_are_found_and_read_and_never_stored_plain(store: Store) -> None:
    people = {f"C{n}": f"1380013{n:04}" for n in range(200)}
    assert keep(store, "phone", people) == 200
    assert keep(store, "phone", people) == 0
    assert keep(store, "phone", {"C1": "13900000000"}) == 1
    with store.begin(PROGRAM) as connection:
        assert find_by_identifier(connection, "phone", "+86 138 0013 0007") == ["C7"]
        assert find_by_identifier(connection, "phone", "13900000000") == ["C1"]
        assert [one.value for one in read_identifiers(connection, ["C7"], ["phone"])] == ["13800130007"]
    with store.begin(PROGRAM, Role.AUDITOR) as connection:
        rows = connection.execute(text("SELECT customer_no, blind, sealed FROM identifier")).all()
        access = connection.execute(text("SELECT class, subject FROM audit WHERE verb = 'access.read'")).all()
    assert all(b"13800" not in row.sealed and "13800" not in row.blind for row in rows)
    assert [tuple(row) for row in access] == [("access", "C7")]


def test_nobody_reads_the_vault_but_for_an_unmasked_customer(store: Store) -> None:
    keep(store, "phone", {"C1": "13800138000"})
    person = Principal(
        "li", frozenset({"relationship_manager"}), ("B01",), "service", rights=frozenset({"customer.read"})
    )
    with store.begin(person) as connection:
        assert connection.scalar(text("SELECT count(*) FROM identifier")) == 0
    with pytest.raises(DeniedError), store.begin(person) as connection:
        keep_identifiers(connection, "phone", ["C2"], ["1"])


def test_rotation_renews_what_is_sealed_and_nothing_stops_opening(store: Store) -> None:
    keep(store, "phone", {f"C{n}": f"138{n:08}" for n in range(20)})
    with store.begin(PROGRAM) as connection:
        before = customer_ring(connection, "C1", make=True)
    assert rotate(store, PROGRAM).current == "k2"
    with store.begin(PROGRAM) as connection:
        assert read_identifiers(connection, ["C3"], ["phone"])[0].value == "13800000003"
        assert keys_in_use(connection) == {"k1": 21}
    assert renew_seals(store, PROGRAM) == 21
    assert renew_seals(store, PROGRAM) == 0
    with store.begin(PROGRAM) as connection:
        assert keys_in_use(connection) == {"k2": 21}
        assert read_identifiers(connection, ["C3"], ["phone"])[0].value == "13800000003"
        assert customer_ring(connection, "C1").ring == before.ring


def test_what_is_erased_is_gone_for_good(store: Store) -> None:
    keep(store, "phone", {"C1": "13800138000", "C2": "13800138001"})
    with store.begin(PROGRAM) as connection:
        customer_ring(connection, "C1", make=True)
        assert erase_sealed(connection, "C1") == {"identifiers": 1, "keys": 1}
        assert erase_sealed(connection, "C1") == {"identifiers": 0, "keys": 0}
        with pytest.raises(NotFoundError, match="erased"):
            customer_ring(connection, "C1", make=True)
        assert find_by_identifier(connection, "phone", "13800138000") == []
    assert keep(store, "phone", {"C1": "13800138000"}) == 0
