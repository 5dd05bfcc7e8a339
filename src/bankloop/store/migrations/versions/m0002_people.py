"""Second: people and rights.

A row about a customer is seen by whom the customer's own row in ``customer_book`` is seen: within the principal's units
and lines, in the book of the named member of staff where there is one, valid now. Each statement also needs its right
(``task.read``), which a principal carries in ``bankloop.rights``. Settings are read once a statement, and deny when
they are missing. Policies of a table never read a table whose policies read it.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

OWNER, LOADER, APP, AUDITOR = "bankloop_owner", "bankloop_loader", "bankloop_app", "bankloop_auditor"

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

ALTER TABLE staff_task ADD COLUMN risk integer NOT NULL DEFAULT 0, ADD COLUMN licence text NOT NULL DEFAULT '';
CREATE INDEX staff_task_staff ON staff_task (staff_id, customer_no) WHERE staff_id IS NOT NULL;
CREATE INDEX staff_task_customer ON staff_task (customer_no);
"""


def _setting(name: str) -> str:
    return f"(SELECT coalesce(current_setting('bankloop.{name}', true), ''))"


def _list(name: str) -> str:
    return f"(SELECT string_to_array(current_setting('bankloop.{name}', true), ','))::text[]"


def _yes(condition: str) -> str:
    """A condition on settings alone, made a sub-select so that it is decided once a statement."""
    return f"(SELECT {condition})"


def _may(*rights: str) -> str:
    wanted = ", ".join(f"'{right}'" for right in ("*", *rights))
    return _yes(f"coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY[{wanted}], false)")


def _has_role(*roles: str) -> str:
    wanted = ", ".join(f"'{role}'" for role in roles)
    return _yes(f"coalesce(string_to_array(current_setting('bankloop.roles', true), ',') && ARRAY[{wanted}], false)")


KNOWN = f"{_setting('principal')} <> ''"
EVERY_UNIT = _yes("current_setting('bankloop.units', true) = '*'")
EVERY_LINE = _yes("current_setting('bankloop.lines', true) = '*'")
WHOLE_BANK = _yes(
    "current_setting('bankloop.units', true) = '*' AND current_setting('bankloop.lines', true) = '*' "
    "AND coalesce(current_setting('bankloop.book', true), '') = ''"
)
NO_BOOK = _yes("coalesce(current_setting('bankloop.book', true), '') = ''")
NOW = "(SELECT current_setting('bankloop.now', true)::timestamptz)"
# Flags are decided once a statement; written so, the planner also guesses well how many rows are left.
# A hashed set: a large branch has hundreds of units, and a list of them searched row by row makes counts slow.
IN_UNITS = (
    f"({EVERY_UNIT} OR unit_id IN (SELECT unnest(string_to_array(current_setting('bankloop.units', true), ','))))"
)
IN_LINES = f"({EVERY_LINE} OR line = ANY ({_list('lines')}))"
VALID = f"{{b}}valid_from <= {NOW} AND ({{b}}valid_to IS NULL OR {{b}}valid_to > {NOW})"
IN_BOOK = f"({NO_BOOK} OR (staff_id = {_setting('book')} AND {VALID.format(b='')}))"
BOOK = f"{IN_UNITS} AND {IN_LINES} AND {IN_BOOK}"
# One probe by key, under the policy of customer_book itself; as EXISTS it would be planned twice, and dearly hashed.
OWN_CUSTOMER = (
    f"(SELECT true FROM customer_book b WHERE b.customer_no = {{table}}.customer_no AND {VALID.format(b='b.')} LIMIT 1)"
)
ASSIGNED = f"(staff_id = {_setting('tasks')} AND state IN ('ASSIGNED', 'DONE'))"
ABOUT_CUSTOMER = f"({WHOLE_BANK} OR {OWN_CUSTOMER})"
TASK = f"({WHOLE_BANK} OR {OWN_CUSTOMER} OR {ASSIGNED})"
WRITES_FOR = f"({IN_UNITS} AND {NO_BOOK})"

# table: the rights to read and to add; nobody changes what was appended.
CUSTOMER_TABLES = {
    "event": ("event.read", "event.append"),
    "decision_key": ("decision.read", "decision.make"),
    "decision": ("decision.read", "decision.make"),
    "contact": ("contact.read", "contact.reserve"),
    "benefit_grant": ("decision.read", "contact.reserve"),
}

SECURITY = _has_role("system", "security_admin")
PEOPLE = _has_role("system", "system_admin", "branch_commander", "sub_branch_head")
# Who may read, add and change what is not about one customer.
POLICIES = {
    "org_unit": (KNOWN, _has_role("system", "system_admin"), _has_role("system", "system_admin")),
    "staff": (KNOWN, _has_role("system", "system_admin"), _has_role("system", "system_admin")),
    "staff_post": (KNOWN, _has_role("system", "system_admin"), _has_role("system", "system_admin")),
    "staff_licence": (KNOWN, _has_role("system", "system_admin"), _has_role("system", "system_admin")),
    "staff_leave": (KNOWN, PEOPLE, PEOPLE),
    "staff_backup": (KNOWN, f"{PEOPLE} OR staff_id = {_setting('principal')}", PEOPLE),
    "role_grant": (KNOWN, SECURITY, SECURITY),
    "customer_book": (
        f"{_may('customer.list')} AND {BOOK}",
        f"{WHOLE_BANK} AND {_may()}",
        f"{WHOLE_BANK} AND {_may()}",
    ),
    "book_transfer": (
        f"{IN_UNITS} AND {_may('transfer.read')}",
        f"{IN_UNITS} AND {_may('transfer.submit')}",
        f"{IN_UNITS} AND {_may('transfer.approve', 'transfer.recall')}",
    ),
    "sharing_agreement": (KNOWN, _may("agreement.submit"), _may("agreement.approve", "agreement.end")),
    "sharing_consent": (KNOWN, _may("agreement.consent"), _may("agreement.consent")),
    "unmasking": (
        f"person_id = {_setting('principal')}",
        f"person_id = {_setting('principal')} AND {_may('customer.unmask')}",
        "false",
    ),
}

GRANTS = (
    f"GRANT SELECT ON {', '.join(POLICIES)} TO {AUDITOR}",
    f"GRANT SELECT, INSERT, UPDATE ON {', '.join(sorted(set(POLICIES) - {'unmasking'}))} TO {APP}",
    f"GRANT SELECT, INSERT ON unmasking TO {APP}",
    f"GRANT SELECT, INSERT, UPDATE ON org_unit, staff, staff_post, customer_book TO {LOADER}",
)


def upgrade() -> None:
    """Add units, staff, roles granted, books of customers, agreements and unmaskings."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    for table, (read, add, change) in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        _police(table, read, add, change)
    for table, (read, add) in CUSTOMER_TABLES.items():
        op.execute(f"DROP POLICY scope ON {table}")
        scope = ABOUT_CUSTOMER.format(table=table)
        _police(table, f"{_may(read)} AND {scope}", f"{WRITES_FOR} AND {_may(add)}", None)
    op.execute("DROP POLICY scope ON staff_task")
    scope = TASK.format(table="staff_task")
    change = f"{_may('task.assign', 'task.finish', 'task.expire')} AND {scope}"
    _police("staff_task", f"{_may('task.read')} AND {scope}", f"{WRITES_FOR} AND {_may('task.create')}", change)
    for grant in GRANTS:
        op.execute(grant)
    op.execute("RESET ROLE")


def _police(table: str, read: str, add: str, change: str | None) -> None:
    op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT USING ({read})")
    op.execute(f"CREATE POLICY scope_add ON {table} FOR INSERT WITH CHECK ({add})")
    if change is not None:
        op.execute(f"CREATE POLICY scope_change ON {table} FOR UPDATE USING ({change}) WITH CHECK ({change})")
