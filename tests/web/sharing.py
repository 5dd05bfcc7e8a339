"""An agreement between two lines that was in force yesterday, and a person of the other line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from bankloop.organization import account
from bankloop.organization.people import engage_staff
from bankloop.organization.principals import system
from bankloop.organization.rights import (
    agreements,
    approve_agreement,
    give_role,
    principal_for,
    propose_agreement,
    record_consent,
)
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed


@dataclass(frozen=True)
class Shared:
    """Who asks about whom under what."""

    person: str
    customer_no: str
    agreement_id: str
    purpose: str = "service"


def expired_agreement(staffed: Staffed) -> Shared:
    """Share a retail customer with the corporate line, once in a bank, and let the agreement end."""
    store = staffed.small.open.store
    with store.begin(system()) as connection:
        customer, unit = connection.execute(
            text("SELECT customer_no, unit_id FROM customer_book ORDER BY 1 LIMIT 1")
        ).one()
        if any(one.agreement_id == "B6-1" for one in agreements(connection)):
            return Shared("corp1", customer, "B6-1")
        engage_staff(connection, "corp1", "对公经理", unit, "relationship_manager", "corporate")
        give_role(connection, "corp1", "relationship_manager", (), ("corporate",))
        until = store.clock.now() + timedelta(days=30)
    with store.begin(account.SIGN_IN) as connection:
        account.open_account(connection, "corp1")
    with store.begin(system()) as connection:
        maker, agrees = (
            principal_for(connection, who, why) for who, why in (("strategist", "campaign"), ("checker", "approval"))
        )
        steward = principal_for(connection, "steward", "quality")
    with store.begin(maker) as connection:
        propose_agreement(
            connection, "B6-1", "retail", "corporate", "service", ["region"], valid_to=until, reason="pilot"
        )
    with store.begin(agrees) as connection:
        approve_agreement(connection, "B6-1")
    with store.begin(steward) as connection:
        record_consent(connection, "B6-1", customer)
    opened = staffed.api("corp1").get(f"/api/v1/customers/{customer}", headers={"bankloop-purpose": "service"})
    assert opened.json()["values"]["region"] != "***", opened.text
    with store.begin(system(), Role.OWNER) as connection:
        moment = store.clock.now()
        connection.execute(
            text("UPDATE sharing_agreement SET valid_from = :from, valid_to = :to WHERE agreement_id = 'B6-1'"),
            {"from": moment - timedelta(days=9), "to": moment - timedelta(days=1)},
        )
    return Shared("corp1", customer, "B6-1")
