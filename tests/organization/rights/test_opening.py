"""What a person sees of a customer: masked, unmasked for a while, shared by agreement; each opening written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.errors import DeniedError, InputError, NotFoundError
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import Scope
from bankloop.lake.manifest import MemoryManifest
from bankloop.lake.service import Lake
from bankloop.organization.principals import auditor, system
from bankloop.organization.rights import (
    approve_agreement,
    open_customer,
    propose_agreement,
    record_consent,
    scope_of,
    unmask,
)
from bankloop.store.contracts import Principal, Role
from bankloop.store.database import Store, attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.vault import keep_identifiers
from tests.organization.conftest import Folk

NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
FIELDS = ("birth_date", "region", "aum_fen", "frozen")
PLAIN: dict[str, Any] = {
    "name_token": "tok-secret",
    "phone_token": "tok-phone",
    "birth_date": date(1980, 5, 17),
    "gender": "F",
    "region": "QJ",
    "branch_id": "B001",
    "opened_on": date(2020, 1, 1),
    "employer_id": None,
    "overdue_days": 0,
    "complaint_on": None,
    "risk_tolerance": 3,
    "risk_assessed_on": None,
    "source": None,
    "acquisition_cost_fen": 0,
}


@pytest.fixture
def lake(folk: Folk, tmp_path: Any, clock: FixedClock) -> Lake:
    (tmp_path / "bank.yaml").write_text("format: 1\ntime_zone: Asia/Shanghai\n", encoding="utf-8")
    made = Lake(tmp_path, MemoryManifest(), clock)
    today = date(2026, 6, 29)
    customers = [
        {**{c.name: False for c in CONTRACTS["customer"].columns}, **PLAIN, "customer_no": no, "sub_branch_id": unit, "manager_id": staff}
        for no, (unit, staff, line) in folk.books.items()
        if line == "retail"
    ]  # fmt: skip
    made.publish("customer", pa.Table.from_pylist(customers), today)
    holding = {"product_id": "p", "opened_on": today, "matures_on": None, "auto_renew": None}
    made.publish(
        "holding",
        pa.Table.from_pylist(
            [
                {"holding_id": f"{c['customer_no']}-{k}", "customer_no": c["customer_no"], "product_class": k, "balance_fen": v, **holding}
                for c in customers
                for k, v in (("demand_deposit", 700), ("wealth", 4_000), ("mortgage", -90_000))
            ]
        ),
        today,
    )  # fmt: skip
    tie = {"from_no": "C0030", "to_no": "K0001", "kind": "legal_representative", "since": None}
    made.publish("relation", pa.Table.from_pylist([tie]), today)
    return made


def trail(folk: Folk) -> list[tuple[str, str, str, Any]]:
    with folk.store.begin(auditor(), Role.AUDITOR) as connection:
        rows = connection.execute(
            text("SELECT principal, verb, class, after FROM audit WHERE object_kind = 'customer' ORDER BY id")
        )
        return [tuple(row) for row in rows]


def test_masked_by_default_unmasked_for_a_while_and_masked_again(
    folk: Folk, store: Store, lake: Lake, store_server: EmbeddedServer, database: str
) -> None:
    manager = folk.who("relationship_manager", "service")
    before = open_customer(store, lake, manager, "C0001", FIELDS)
    assert before.values == {"birth_date": "***", "region": "QJ", "aum_fen": "***", "frozen": "***"}
    assert set(before.masked) == {"birth_date", "aum_fen", "frozen"}
    with store.begin(manager) as connection:
        made = unmask(connection, "C0001", ["birth_date", "aum_fen"], "maturity talk", "T-1", 30)
    after = open_customer(store, lake, manager, "C0001", FIELDS)
    assert after.values == {"birth_date": date(1980, 5, 17), "region": "QJ", "aum_fen": 4_700, "frozen": "***"}
    assert open_customer(store, lake, manager, "C0002", FIELDS).values["birth_date"] == "***"
    with attach_store(store.folder, FixedClock(made.valid_to), store_server, database) as then:
        assert open_customer(then, lake, manager, "C0001", FIELDS).values == before.values
    assert [(row[1], row[2]) for row in trail(folk)] == [
        ("customer.open", "access"),
        ("customer.unmask", "access"),
        ("customer.open", "access"),
        ("customer.open", "access"),
        ("customer.open", "access"),
    ]
    assert trail(folk)[1][3]["ticket"] == "T-1"


def test_an_unmasked_phone_is_the_number_from_the_vault_and_nobody_else_s(folk: Folk, store: Store, lake: Lake) -> None:
    with store.begin(system()) as connection:
        keep_identifiers(connection, "phone", ["C0001", "C0002"], ["138 0013 8000", "13900139000"])
    manager = folk.who("relationship_manager", "service")
    assert open_customer(store, lake, manager, "C0001", ["phone_token"]).values == {"phone_token": "***"}
    with store.begin(manager) as connection:
        unmask(connection, "C0001", ["phone_token"], "call back", "T-3")
    assert open_customer(store, lake, manager, "C0001", ["phone_token"]).values == {"phone_token": "13800138000"}
    assert open_customer(store, lake, manager, "C0002", ["phone_token"]).values == {"phone_token": "***"}


def test_unmasking_needs_reason_ticket_scope_class_and_an_end(folk: Folk, store: Store) -> None:
    def ask(role: str, customer: str = "C0001", fields: tuple[str, ...] = ("birth_date",), **more: Any) -> None:
        words = {"reason": "call", "ticket": "T-2", "minutes": 30, **more}
        with store.begin(folk.who(role)) as connection:
            unmask(connection, customer, list(fields), **words)

    for more in ({"reason": " "}, {"ticket": ""}, {"minutes": 0}, {"minutes": 481}, {"fields": ()}):
        with pytest.raises(InputError):
            ask("relationship_manager", **more)
    with pytest.raises(InputError, match="unknown_field"):
        ask("relationship_manager", fields=("password'; --",))
    with pytest.raises(DeniedError, match="never_plain"):
        ask("relationship_manager", fields=("frozen",))
    with pytest.raises(NotFoundError):
        ask("relationship_manager", customer="C0030")
    for role in ("system_admin", "security_admin", "auditor", "hq_strategist", "remote_agent"):
        with pytest.raises(DeniedError, match=r"customer\.unmask"):
            ask(role)


def test_the_database_keeps_an_unmasking_short(folk: Folk, store: Store) -> None:
    for until in ("'2026-07-30'", "'2026-06-29'"):
        with pytest.raises(Exception, match="unmasking"), store.begin(folk.who("relationship_manager", "service")) as c:
            c.execute(
                text(
                    "INSERT INTO unmasking SELECT gen_random_uuid(), 'M00001', 'C0001', '{birth_date}', 'r', 't', "
                    f"'2026-06-30', {until}"
                )
            )


@pytest.mark.parametrize("customer", ["C0010", "C0030", "C9999", "' OR '1'='1", "*", "C0001' --", "C0001,C0030"])
def test_guessed_numbers_say_nothing_and_are_written_down(folk: Folk, store: Store, lake: Lake, customer: str) -> None:
    manager = folk.who("relationship_manager", "service")
    with pytest.raises(NotFoundError, match="no_customer"):
        open_customer(store, lake, manager, customer)
    ((who, verb, class_, after),) = trail(folk)
    assert (who, verb, class_, after["refused"]) == ("M00001", "customer.refuse", "access", "rights.no_customer")


@pytest.mark.parametrize("role", ["system_admin", "security_admin", "benefit_owner", "partner_agent"])
def test_who_reads_no_customers_is_refused_and_written_down(folk: Folk, store: Store, lake: Lake, role: str) -> None:
    with pytest.raises(DeniedError, match=r"customer\.read"):
        open_customer(store, lake, folk.who(role), "C0001")
    assert trail(folk)[0][3]["refused"] == "rights.not_allowed"


def test_a_corporate_manager_opens_retail_assets_masked_and_audited(folk: Folk, store: Store, lake: Lake) -> None:
    folk.give("M00002", "sub_branch_head", ("S0001",), ("corporate",))
    manager = folk.who("M00002", "service", role="sub_branch_head")
    found = open_customer(store, lake, manager, "C0030", ("aum_fen", "birth_date"))
    assert found.right == "tied"
    assert found.values == {"aum_fen": "***", "birth_date": "***"}
    assert trail(folk)[-1][3]["masked"] == ["aum_fen", "birth_date"]
    with pytest.raises(NotFoundError):
        open_customer(store, lake, manager, "C0031")


@pytest.fixture
def shared(folk: Folk, store: Store) -> Principal:
    """A user of the subsidiary, with an agreement over two fields in force."""
    folk.give("M00004", "sub_branch_head", ("SUB1",), ("subsidiary",))
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        propose_agreement(
            connection, "A-1", "retail", "subsidiary", "service", ["region", "aum_fen"], NOW + timedelta(days=30),
            "joint service", to_unit="SUB1",
        )  # fmt: skip
    return folk.who("M00004", "service", role="sub_branch_head")


def agree(folk: Folk, *customers: str) -> None:
    with folk.store.begin(folk.who("compliance_reviewer", "review")) as connection:
        approve_agreement(connection, "A-1")
    with folk.store.begin(folk.who("data_steward", "quality")) as connection:
        for customer in customers:
            record_consent(connection, "A-1", customer)


def test_a_subsidiary_sees_only_shared_and_consented_fields(folk: Folk, store: Store, lake: Lake, shared: Any) -> None:
    with pytest.raises(NotFoundError):
        open_customer(store, lake, shared, "C0001")
    agree(folk, "C0001")
    found = open_customer(store, lake, shared, "C0001", ("region", "aum_fen", "birth_date", "gender", "frozen"))
    plain = {name: value for name, value in found.values.items() if value != "***"}
    assert plain == {"region": "QJ", "aum_fen": 4_700}
    assert found.right == "A-1"
    with pytest.raises(DeniedError, match="no_consent"):
        open_customer(store, lake, shared, "C0002")
    with store.begin(folk.who("data_steward", "quality")) as connection:
        record_consent(connection, "A-1", "C0001", given=False)
    with pytest.raises(DeniedError, match="no_consent"):
        open_customer(store, lake, shared, "C0001")
    with store.begin(shared) as connection:
        assert connection.scalar(text("SELECT count(*) FROM customer_book")) == 0


def test_an_expired_agreement_is_refused_and_leaves_its_row(
    folk: Folk, store: Store, lake: Lake, shared: Any, store_server: EmbeddedServer, database: str
) -> None:
    agree(folk, "C0001")
    assert open_customer(store, lake, shared, "C0001", ("region",)).values == {"region": "QJ"}
    with attach_store(store.folder, FixedClock(NOW + timedelta(days=30)), store_server, database) as then:
        with pytest.raises(DeniedError, match="agreement_over") as caught:
            open_customer(then, lake, shared, "C0001", ("region",))
        assert caught.value.http_status == 403
    assert trail(folk)[-1][1] == "customer.refuse"
    assert trail(folk)[-1][3]["refused"] == "rights.agreement_over"


def test_an_agreement_serves_its_purpose_only_and_no_maker_agrees_alone(
    folk: Folk, store: Store, lake: Lake, shared: Any
) -> None:
    folk.give("strategist", "compliance_reviewer")
    both = folk.who("strategist", "review", role="compliance_reviewer")
    with pytest.raises(DeniedError, match=r"rights\.own"), store.begin(both) as connection:
        approve_agreement(connection, "A-1")
    agree(folk, "C0001")
    other = folk.who("M00004", "complaint", role="sub_branch_head")
    with pytest.raises(NotFoundError):
        open_customer(store, lake, other, "C0001")


def test_the_lake_shows_a_person_the_book_of_the_store(folk: Folk, store: Store, lake: Lake) -> None:
    with store.begin(folk.who("relationship_manager", "service")) as connection:
        scope = scope_of(connection)
    rows = lake.table("customer", scope).to_pyarrow()
    assert sorted(rows["customer_no"].to_pylist()) == [f"C{i:04d}" for i in range(10)]
    assert set(rows["name_token"].to_pylist()) == {"***"}
    assert lake.table("holding", scope).count().execute() == 30
    assert lake.table("relation", scope).count().execute() == 0
    assert set(lake.table("holding", scope).to_pyarrow()["balance_fen"].to_pylist()) == {None}
    with pytest.raises(DeniedError, match="not_whole_bank"):
        lake.connection(scope)
    with pytest.raises(DeniedError, match=r"customer\.list"), store.begin(folk.who("system_admin")) as connection:
        scope_of(connection)
    with store.begin(folk.who("hq_strategist", "campaign")) as connection:
        assert scope_of(connection) == Scope.whole_bank("campaign")


def test_a_commander_s_lake_is_the_subtree_as_the_book_has_it(folk: Folk, store: Store, lake: Lake) -> None:
    with store.begin(folk.who("branch_commander", "tasks")) as connection:
        connection_scope = scope_of(connection)
    assert lake.table("customer", connection_scope).count().execute() == 31
