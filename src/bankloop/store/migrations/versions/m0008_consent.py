"""Eighth: what customers allow and forbid, word by word.

Words are appended and never changed. A word about a customer is read by whom the customer's own row of the book is
shown; the program's verbs, which judged who may say what, write it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

OWNER, LOADER, APP, AUDITOR = "bankloop_owner", "bankloop_loader", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE consent_record (
    record_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_no text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('marketing', 'experience', 'survey', 'sharing', 'sensitive',
        'no_personalisation', 'no_marketing', 'do_not_contact')),
    channel text NOT NULL CHECK (channel <> ''), recipient text NOT NULL CHECK (recipient <> ''), stands boolean NOT NULL,
    said_at timestamptz NOT NULL, origin text NOT NULL, evidence jsonb NOT NULL, made_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX consent_record_customer ON consent_record (customer_no, purpose);
CREATE INDEX consent_record_file ON consent_record (customer_no) WHERE origin = 'file';
"""


def _yes(condition: str) -> str:
    return f"(SELECT coalesce({condition}, false))"


def _may(*rights: str) -> str:
    wanted = ", ".join(f"'{right}'" for right in ("*", *rights))
    return _yes(f"string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY[{wanted}]")


WHOLE_BANK = _yes(
    "current_setting('bankloop.units', true) = '*' AND current_setting('bankloop.lines', true) = '*' "
    "AND coalesce(current_setting('bankloop.book', true), '') = ''"
)
NOW = "(SELECT current_setting('bankloop.now', true)::timestamptz)"
PROGRAM = f"{WHOLE_BANK} AND {_may()}"
READS = {"consent_record": "consent.read"}


def _own(table: str) -> str:
    return (
        f"({WHOLE_BANK} OR (SELECT true FROM customer_book b WHERE b.customer_no = {table}.customer_no "
        f"AND b.valid_from <= {NOW} AND (b.valid_to IS NULL OR b.valid_to > {NOW}) LIMIT 1))"
    )


def upgrade() -> None:
    """Add the ledger of consents."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    for table, right in READS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT USING ({_may(right)} AND {_own(table)})")
        op.execute(f"CREATE POLICY add ON {table} FOR INSERT WITH CHECK ({PROGRAM})")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
        op.execute(f"GRANT SELECT ON {table} TO {AUDITOR}")
    op.execute("RESET ROLE")
