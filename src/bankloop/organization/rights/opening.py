"""What a person sees of one customer, and by which right: masked by default, unmasked for a while, shared by agreement.

Every opening is an access row of the trail, the refused ones too: those are committed before the refusal is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from bankloop.kit.errors import BankloopError
from bankloop.kit.ids import uuid7
from bankloop.kit.text import Text
from bankloop.lake.conformed import CONTRACTS
from bankloop.lake.contracts import ContractColumn, DataClass, Scope
from bankloop.lake.service import Lake
from bankloop.organization.people import BookRow, keeper_of, valid
from bankloop.organization.people.tables import customer_book
from bankloop.organization.rights import errors
from bankloop.organization.rights.catalogue import ROLES, SYSTEM, allowed, require
from bankloop.organization.rights.contracts import Agreement, CustomerView, GrantState, Unmasking
from bankloop.organization.rights.sharing import agreements_for, consented
from bankloop.organization.rights.tables import unmasking as table
from bankloop.organization.tables import staff_task
from bankloop.store.audit import record_audit
from bankloop.store.contracts import EVERY_LINE, EVERY_UNIT, Principal
from bankloop.store.database import Store, bank_wide, now_of, principal_of
from bankloop.store.questions import Question, ask
from bankloop.store.vault import read_identifiers
from bankloop.store.verbs import verb

OWN, TIED, BY_TASK = "own", "tied", "task"
_UNDER_WAY = ("ASSIGNED", "ACCEPTED", "IN_PROGRESS")
_UNMASKED = (
    b"SELECT fields FROM unmasking WHERE person_id = %(person)s AND customer_no = ANY (%(numbers)s) "
    b"AND valid_from <= %(now)s AND valid_to > %(now)s"
)
ACCESS = "access"
AUM = "aum_fen"
MASK = "***"
DEFAULT_MINUTES = 30
# The database refuses a longer one too: a working day, after which the ticket is asked again.
MOST_MINUTES = 480
_ASSETS = ("demand_deposit", "term_deposit", "wealth", "fund", "insurance")
_CUSTOMER = CONTRACTS["customer"]
# What identity knows beside the lake; each is of class C2.
_IDENTIFIERS = frozenset({"document", "email", "address", "account"})
# By kind of identifier the column that holds its token.
_IN_VAULT = {"name": "name_token", "phone": "phone_token"}
_OF_VAULT = frozenset(_IN_VAULT.values())
_FIELDS: Mapping[str, ContractColumn | None] = {**{c.name: c for c in _CUSTOMER.columns}, AUM: None}


@dataclass(frozen=True, slots=True)
class _Ruling:
    """By which right a customer is open, the fields shown plain, or why it is not."""

    right: str
    clear: frozenset[str]
    refusal: BankloopError | None = None


@verb("customer.unmask")
def unmask(
    connection: Connection,
    customer_no: str,
    fields: Sequence[str],
    reason: str,
    ticket: str,
    minutes: int = DEFAULT_MINUTES,
) -> Unmasking:
    """Open masked fields of one customer of one's own for a while, for a reason and a ticket.

    Raises ``InputError`` without them or for a field there is not, ``DeniedError`` for a class the role never sees
    plain, ``NotFoundError`` for a customer out of scope.
    """
    for text, label in ((reason, Text("原因", "reason")), (ticket, Text("工单号", "ticket"))):
        if not text.strip():
            raise errors.needs(label)
    if not 0 < minutes <= MOST_MINUTES:
        raise errors.too_long(minutes, MOST_MINUTES)
    actor, now = principal_of(connection), now_of(connection)
    _check_classes(actor, fields)
    if not keeper_of(connection, customer_no) and not _has_task(connection, customer_no):
        raise errors.no_customer(customer_no)
    until = now + timedelta(minutes=minutes)
    number = uuid7(int(now.timestamp() * 1000))
    made = Unmasking(number, actor.id, customer_no, tuple(sorted(set(fields))), reason, ticket, now, until)
    connection.execute(
        insert(table).values(
            unmasking_id=number,
            person_id=actor.id,
            customer_no=customer_no,
            fields=list(made.fields),
            reason=reason,
            ticket=ticket,
            valid_from=now,
            valid_to=until,
        )
    )
    after = {"fields": made.fields, "ticket": ticket, "until": until, "for": actor.acting_for}
    record_audit(
        connection, "customer.unmask", "customer", customer_no, None, after, reason, class_=ACCESS, subject=customer_no
    )
    return made


def open_customer(
    store: Store, lake: Lake, principal: Principal, customer_no: str, fields: Sequence[str] = ()
) -> CustomerView:
    """Return what the principal may see of a customer now (all fields, or those named), writing the access down.

    Out of scope and unknown are one ``NotFoundError``, so that numbers cannot be guessed. Raises ``DeniedError`` for an
    agreement that is over or a consent that is missing.
    """
    wanted = tuple(fields) or tuple(_FIELDS)
    if unknown := [name for name in wanted if name not in _FIELDS]:
        raise errors.unknown_field(unknown[0], list(_FIELDS))
    with store.begin(principal) as connection:
        ruling = _rule(connection, lake, customer_no)
        shown = [name for name in wanted if name in ruling.clear]
        _write_down(connection, customer_no, wanted, shown, ruling)
        plain = _plain(connection, customer_no, shown)
    if ruling.right in (OWN, BY_TASK) and set(wanted) <= _OF_VAULT and plain.keys() == set(shown):
        # Name and number of whom the book or a task shows: the lake, which holds but tokens of them, is not asked.
        known: dict[str, object] = {name: plain.get(name, MASK) for name in wanted}
        return CustomerView(
            customer_no, known, tuple(name for name in wanted if name not in ruling.clear), ruling.right
        )
    if ruling.refusal is not None:
        raise ruling.refusal
    scope = Scope(principal.purpose, None, customers=frozenset({customer_no}), fields=ruling.clear)
    values = _values(lake, scope, customer_no, wanted, ruling.clear)
    if values is None:
        raise errors.no_customer(customer_no)
    values |= plain
    return CustomerView(customer_no, values, tuple(name for name in wanted if name not in ruling.clear), ruling.right)


def scope_of(connection: Connection) -> Scope:
    """Return the lake scope of the acting principal: its units, and the customers that the book shows it now.

    Raises ``DeniedError`` where the role reads no customers.
    """
    principal = principal_of(connection)
    require(principal, "customer.list")
    if (*principal.units[:1], *principal.lines[:1]) == (EVERY_UNIT, EVERY_LINE) and not principal.book:
        return Scope.whole_bank(principal.purpose)
    t = customer_book.c
    numbers = connection.scalars(select(t.customer_no).distinct().where(valid(t, now_of(connection))))
    units = None if EVERY_UNIT in principal.units else frozenset(principal.units)
    return Scope(principal.purpose, units, customers=frozenset(numbers))


def _rule(connection: Connection, lake: Lake, customer_no: str) -> _Ruling:
    principal = principal_of(connection)
    if not allowed(principal, "read", "customer"):
        return _Ruling("", frozenset(), _caught(principal, "customer.read"))
    own = [row.line for row in keeper_of(connection, customer_no)]
    if own:
        return _Ruling(OWN, _plain_by_default() | unmasked_fields(connection, customer_no))
    if _has_task(connection, customer_no):
        return _Ruling(BY_TASK, _plain_by_default() | unmasked_fields(connection, customer_no))
    with bank_wide(connection):
        kept = keeper_of(connection, customer_no)
    return _shared(connection, principal, lake, customer_no, kept)


def _shared(
    connection: Connection, principal: Principal, lake: Lake, customer_no: str, kept: Sequence[BookRow]
) -> _Ruling:
    """Rule on a customer of another line: by an agreement in force, else masked where one's own customers lead there."""
    found = agreements_for(connection, principal, {row.line for row in kept})
    in_force = [a for a in found if a.state is GrantState.OPEN and now_of(connection) < a.valid_to]
    with bank_wide(connection):
        agreed = consented(connection, in_force, customer_no)
    if agreed:
        fields = frozenset(name for one in agreed for name in one.fields if name in _FIELDS)
        return _Ruling(agreed[0].agreement_id, fields)
    if in_force:
        return _Ruling(in_force[0].agreement_id, frozenset(), errors.no_consent(customer_no, in_force[0].agreement_id))
    if found:
        return _Ruling(found[-1].agreement_id, frozenset(), _over(found[-1]))
    if kept and _tied(connection, lake, customer_no):
        return _Ruling(TIED, frozenset())
    return _Ruling("", frozenset(), errors.no_customer(customer_no))


def _has_task(connection: Connection, customer_no: str) -> bool:
    """Return whether who acts has an open task about a customer: a backup, or whom a leader gave it to."""
    t = staff_task.c
    query = select(t.task_id).where(
        t.customer_no == customer_no, t.staff_id == principal_of(connection).id, t.state.in_(_UNDER_WAY)
    )
    return connection.execute(query.limit(1)).first() is not None


def _over(found: Agreement) -> BankloopError:
    return errors.agreement_over(found.agreement_id, found.valid_to)


def _tied(connection: Connection, lake: Lake, customer_no: str) -> bool:
    """Return whether a relation leads from the customer to one that the principal keeps: served by both lines."""
    scope = Scope("relation", None, frozenset({"from_no", "to_no"}), frozenset({customer_no}))
    found = lake.table("relation", scope).to_pyarrow()["to_no"].to_pylist()
    return bool(keeper_of(connection, *found))


def _plain_by_default() -> frozenset[str]:
    return frozenset(name for name, c in _FIELDS.items() if c and c.data_class is DataClass.C1 and not c.confidential)


def unmasked_fields(connection: Connection, *numbers: str) -> frozenset[str]:
    """Return the fields of a customer, or of any number of a person, that who acts has unmasked and that are open now."""
    values = {"person": principal_of(connection).id, "numbers": list(numbers), "now": now_of(connection)}
    found = Question(_UNMASKED, lambda rows: frozenset(name for (fields,) in rows for name in fields), values)
    return ask(connection, found)


def _check_classes(actor: Principal, fields: Sequence[str]) -> None:
    if not fields:
        raise errors.needs(Text("字段", "fields"))
    may = set().union(*(ROLES[name].unmasks for name in actor.roles if name in ROLES))
    for name in fields:
        if name not in _FIELDS and name not in _IDENTIFIERS:
            raise errors.unknown_field(name, [*_FIELDS, *sorted(_IDENTIFIERS)])
        column = _FIELDS.get(name)
        asked = "confidential" if column and column.confidential else "C2"
        if asked not in may and SYSTEM not in actor.roles:
            raise errors.never_plain(actor.id, name)


def _write_down(
    connection: Connection, customer_no: str, wanted: Sequence[str], shown: Sequence[str], ruling: _Ruling
) -> None:
    actor = principal_of(connection)
    after: dict[str, Any] = {
        "shown": shown,
        "masked": [name for name in wanted if name not in shown],
        "right": ruling.right,
        "purpose": actor.purpose,
        "for": actor.acting_for,
    }
    if ruling.refusal is not None:
        after["refused"] = ruling.refusal.code
    name = "customer.refuse" if ruling.refusal is not None else "customer.open"
    record_audit(connection, name, "customer", customer_no, None, after, class_=ACCESS, subject=customer_no)


def _values(
    lake: Lake, scope: Scope, customer_no: str, wanted: Sequence[str], clear: frozenset[str]
) -> dict[str, object] | None:
    rows = lake.table("customer", scope).to_pyarrow().to_pylist()
    if not rows:
        return None
    found: dict[str, object] = {name: rows[0][name] if name in clear else MASK for name in wanted if name != AUM}
    if AUM in wanted:
        found[AUM] = _assets(lake, customer_no) if AUM in clear else MASK
    return found


def _plain(connection: Connection, customer_no: str, shown: Sequence[str]) -> dict[str, object]:
    """Return what the vault holds of the identifiers shown: the lake has but tokens of them, which tell nobody anything.

    The vault itself opens only to whom the customer is unmasked; a token that an agreement shares stays one.
    """
    kinds = {kind: name for kind, name in _IN_VAULT.items() if name in shown}
    if not kinds:
        return {}
    return {kinds[one.kind]: one.value for one in read_identifiers(connection, [customer_no], kinds)}


def _assets(lake: Lake, customer_no: str) -> int:
    scope = Scope("assets", None, frozenset({"balance_fen"}), frozenset({customer_no}))
    holdings = lake.table("holding", scope)
    total = holdings.filter(holdings.product_class.isin(_ASSETS)).balance_fen.sum().execute()
    return int(total) if total == total and total is not None else 0


def _caught(principal: Principal, permission: str) -> BankloopError:
    try:
        require(principal, permission)
    except BankloopError as error:
        return error
    raise AssertionError(permission)
