"""Seventh: the shelf. Notices about products, contacts that they stop, and reviews that a product's figures call for."""

from alembic import op

revision = "0007"
down_revision = "0006"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLES = """
CREATE TABLE shelf_notice (
    approval_id uuid PRIMARY KEY, product text NOT NULL, change jsonb NOT NULL, effective_at timestamptz NOT NULL,
    made_by text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE contact_stop (
    decision_id uuid PRIMARY KEY, customer_no text NOT NULL, unit_id text NOT NULL, campaign text NOT NULL,
    reason text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE product_review (
    review_id uuid PRIMARY KEY, product text NOT NULL, trigger text NOT NULL, measured_ppm bigint NOT NULL,
    limit_ppm bigint NOT NULL, opened_at timestamptz NOT NULL DEFAULT bankloop_now(), closed_at timestamptz,
    closed_by text, outcome text
);
CREATE UNIQUE INDEX product_review_open ON product_review (product, trigger) WHERE closed_at IS NULL;
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
OWN_CUSTOMER = (
    "(SELECT true FROM customer_book b WHERE b.customer_no = contact_stop.customer_no "
    f"AND b.valid_from <= {NOW} AND (b.valid_to IS NULL OR b.valid_to > {NOW}) LIMIT 1)"
)
# table: who reads, who adds, who changes (None: nobody).
POLICIES = {
    "shelf_notice": (_may("product.read"), f"{WHOLE_BANK} AND {_may('product.submit')}", None),
    "contact_stop": (
        f"{_may('contact.read')} AND ({WHOLE_BANK} OR {OWN_CUSTOMER})",
        f"{WHOLE_BANK} AND {_may('contact.reserve')}",
        None,
    ),
    "product_review": (
        _may("product.read"),
        f"{WHOLE_BANK} AND {_may('product.review')}",
        f"{WHOLE_BANK} AND {_may('product.conclude')}",
    ),
}


def upgrade() -> None:
    """Add the tables of the shelf."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    for table, (read, add, change) in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT USING ({read})")
        op.execute(f"CREATE POLICY scope_add ON {table} FOR INSERT WITH CHECK ({add})")
        if change is not None:
            op.execute(f"CREATE POLICY scope_change ON {table} FOR UPDATE USING ({change}) WITH CHECK ({change})")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        op.execute(f"GRANT SELECT, INSERT{', UPDATE' if change else ''} ON {table} TO {APP}")
        op.execute(f"GRANT SELECT ON {table} TO {AUDITOR}")
    op.execute("RESET ROLE")
