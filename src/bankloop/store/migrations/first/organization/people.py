"""Units, staff, roles granted, books of customers, sharing between lines, unmaskings.

A row about a customer is seen by whom the customer's own row in ``customer_book`` is seen: within the principal's units
and lines, in the book of the named member of staff where there is one, valid now.
"""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import (
    IN_UNITS,
    KNOWN,
    NO_BOOK,
    NOW,
    PRINCIPAL,
    WHOLE_BANK,
    holds,
    listed,
    may,
    setting,
)
from bankloop.store.migrations.first.room import APPEND, KEEP, Access, scopes

TABLES = """
CREATE TABLE org_unit (
    unit_id text, valid_from timestamptz, valid_to timestamptz, parent_id text, kind text NOT NULL
        CHECK (kind IN ('head_office', 'branch', 'sub_branch', 'remote_centre', 'partner', 'subsidiary')),
    line text NOT NULL, name_zh text NOT NULL, name_en text NOT NULL, says text NOT NULL DEFAULT '',
    PRIMARY KEY (unit_id, valid_from), CHECK (parent_id <> unit_id), CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX org_unit_open ON org_unit (unit_id) WHERE valid_to IS NULL;

CREATE TABLE staff (
    staff_id text PRIMARY KEY, name text NOT NULL, minutes_per_day integer NOT NULL, on_leave boolean NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE staff_post (
    staff_id text, valid_from timestamptz, valid_to timestamptz, unit_id text NOT NULL, post text NOT NULL,
    line text NOT NULL, says text NOT NULL, PRIMARY KEY (staff_id, valid_from), CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX staff_post_open ON staff_post (staff_id) WHERE valid_to IS NULL;
CREATE INDEX staff_post_unit ON staff_post (unit_id);

CREATE TABLE staff_licence (
    staff_id text, kind text, issued_on date, expires_on date NOT NULL, PRIMARY KEY (staff_id, kind, issued_on),
    CHECK (expires_on > issued_on)
);

CREATE TABLE staff_leave (
    staff_id text, since date, until date NOT NULL, reason text NOT NULL, PRIMARY KEY (staff_id, since),
    CHECK (until >= since)
);

CREATE TABLE staff_backup (
    staff_id text, backup_id text, kind text NOT NULL CHECK (kind IN ('backup', 'delegation')),
    valid_from timestamptz, valid_to timestamptz, reason text NOT NULL,
    PRIMARY KEY (staff_id, backup_id, valid_from), CHECK (staff_id <> backup_id), CHECK (valid_to > valid_from)
);
CREATE INDEX staff_backup_backup ON staff_backup (backup_id);

CREATE TABLE role_grant (
    grant_id uuid PRIMARY KEY, person_id text NOT NULL, role text NOT NULL, units text[] NOT NULL,
    lines text[] NOT NULL, state text NOT NULL CHECK (state IN ('requested', 'open', 'refused', 'ended')),
    valid_from timestamptz NOT NULL, valid_to timestamptz, reason text NOT NULL, made_by text NOT NULL,
    decided_by text, recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CHECK (valid_to > valid_from), CHECK (decided_by <> made_by), CHECK (made_by <> person_id),
    CHECK (decided_by <> person_id)
);
CREATE UNIQUE INDEX role_grant_once ON role_grant (person_id, role) WHERE state IN ('requested', 'open');
-- The three administrators are three people, whatever the program does.
CREATE UNIQUE INDEX role_grant_administrators ON role_grant (person_id)
    WHERE state IN ('requested', 'open') AND role IN ('system_admin', 'security_admin', 'auditor');

CREATE TABLE customer_book (
    customer_no text, line text, valid_from timestamptz, valid_to timestamptz, unit_id text NOT NULL, staff_id text,
    says text NOT NULL, PRIMARY KEY (customer_no, line, valid_from), CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX customer_book_open ON customer_book (customer_no, line) WHERE valid_to IS NULL;
CREATE INDEX customer_book_unit ON customer_book (unit_id, customer_no);
CREATE INDEX customer_book_staff ON customer_book (staff_id, customer_no) WHERE staff_id IS NOT NULL;

CREATE TABLE book_transfer (
    transfer_id uuid PRIMARY KEY, from_staff text NOT NULL, to_staff text NOT NULL, to_unit text NOT NULL,
    unit_id text NOT NULL, line text NOT NULL, customers text[] NOT NULL, effective_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'open', 'refused', 'ended')), reason text NOT NULL,
    made_by text NOT NULL, decided_by text, moved integer,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CHECK (from_staff <> to_staff), CHECK (decided_by <> made_by)
);

CREATE TABLE sharing_agreement (
    agreement_id text PRIMARY KEY, owner_line text NOT NULL, to_line text NOT NULL, to_unit text, purpose text NOT NULL,
    fields text[] NOT NULL, consent boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'open', 'refused', 'ended')),
    valid_from timestamptz NOT NULL, valid_to timestamptz NOT NULL, made_by text NOT NULL, decided_by text,
    reason text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CHECK (valid_to > valid_from), CHECK (owner_line <> to_line), CHECK (decided_by <> made_by)
);

CREATE TABLE sharing_consent (
    agreement_id text REFERENCES sharing_agreement, customer_no text, given_at timestamptz, withdrawn_at timestamptz,
    PRIMARY KEY (agreement_id, customer_no, given_at)
);

CREATE TABLE unmasking (
    unmasking_id uuid PRIMARY KEY, person_id text NOT NULL, customer_no text NOT NULL, fields text[] NOT NULL,
    reason text NOT NULL, ticket text NOT NULL, valid_from timestamptz NOT NULL, valid_to timestamptz NOT NULL,
    CHECK (valid_to > valid_from), CHECK (valid_to <= valid_from + interval '8 hours'), CHECK (reason <> ''),
    CHECK (ticket <> '')
);
CREATE INDEX unmasking_person ON unmasking (person_id, valid_to);
"""

_ADMINISTRATOR = holds("roles", "system", "system_admin")
_SECURITY = holds("roles", "system", "security_admin")
_PEOPLE = holds("roles", "system", "system_admin", "branch_commander", "sub_branch_head")

_EVERY_LINE = "(SELECT current_setting('bankloop.lines', true) = '*')"
_IN_LINES = f"({_EVERY_LINE} OR line = ANY ({listed('lines')}))"
_VALID = f"valid_from <= {NOW} AND (valid_to IS NULL OR valid_to > {NOW})"
_IN_BOOK = f"({NO_BOOK} OR (staff_id = {setting('book')} AND {_VALID}))"
_BOOK = f"{may('customer.list')} AND {IN_UNITS} AND {_IN_LINES} AND {_IN_BOOK}"
_MOVES = f"{WHOLE_BANK} AND {may()}"

_OWN = f"person_id = {PRINCIPAL}"


def _transfer(*rights: str) -> str:
    return f"{IN_UNITS} AND {may(*rights)}"


ACCESS = {
    "org_unit": Access(KEEP, scopes(KNOWN, _ADMINISTRATOR, _ADMINISTRATOR), loader=KEEP),
    "staff": Access(KEEP, scopes(KNOWN, _ADMINISTRATOR, _ADMINISTRATOR), loader=KEEP),
    "staff_post": Access(KEEP, scopes(KNOWN, _ADMINISTRATOR, _ADMINISTRATOR), loader=KEEP),
    "staff_licence": Access(KEEP, scopes(KNOWN, _ADMINISTRATOR, _ADMINISTRATOR)),
    "staff_leave": Access(KEEP, scopes(KNOWN, _PEOPLE, _PEOPLE)),
    "staff_backup": Access(KEEP, scopes(KNOWN, f"{_PEOPLE} OR staff_id = {PRINCIPAL}", _PEOPLE)),
    "role_grant": Access(KEEP, scopes(KNOWN, _SECURITY, _SECURITY)),
    "customer_book": Access(KEEP, scopes(_BOOK, _MOVES, _MOVES), loader=KEEP),
    "book_transfer": Access(
        KEEP,
        scopes(
            _transfer("transfer.read"),
            _transfer("transfer.submit"),
            _transfer("transfer.approve", "transfer.submit"),
        ),
    ),
    "sharing_agreement": Access(
        KEEP, scopes(KNOWN, may("agreement.submit"), may("agreement.approve", "agreement.end"))
    ),
    "sharing_consent": Access(KEEP, scopes(KNOWN, may("agreement.consent"), may("agreement.consent"))),
    "unmasking": Access(APPEND, scopes(_OWN, f"{_OWN} AND {may('customer.unmask')}", "false")),
}
