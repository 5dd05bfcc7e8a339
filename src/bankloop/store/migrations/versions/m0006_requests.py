"""Sixth: grants of roles and transfers of books are requests for approval like any other.

Security administrators have no units of customers: they see and decide what is asked about grants, and nothing else.
What was asked for and not yet decided is asked again.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

OWNER = "bankloop_owner"

UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
IN_SCOPE = f"'*' = ANY ({UNITS}) OR unit_id = ANY ({UNITS})"
SECURITY = (
    "(SELECT coalesce(string_to_array(current_setting('bankloop.roles', true), ',') && ARRAY['security_admin'], false))"
)
RULES = {
    "approval": f"{IN_SCOPE} OR (kind = 'grant' AND {SECURITY})",
    "approval_act": f"{IN_SCOPE} OR ({SECURITY} AND EXISTS (SELECT FROM approval a "
    "WHERE a.approval_id = approval_act.approval_id AND a.kind = 'grant'))",
}
_MAY = "coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY['*', 'transfer.approve', 'transfer.submit'], false)"
TRANSFER = (
    "((SELECT current_setting('bankloop.units', true) = '*') OR "
    "unit_id IN (SELECT unnest(string_to_array(current_setting('bankloop.units', true), ',')))) "
    f"AND (SELECT {_MAY})"
)


def upgrade() -> None:
    """Open requests about grants to security administrators; end what waits without a request."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    # The owner is bound by the policies: what waits is ended as the program.
    op.execute("SELECT set_config('bankloop.principal', 'system:migration', true), set_config('bankloop.roles', 'system', true), "
               "set_config('bankloop.rights', '*', true), set_config('bankloop.units', '*', true), "
               "set_config('bankloop.lines', '*', true)")  # fmt: skip
    for table in ("role_grant", "book_transfer"):
        op.execute(f"UPDATE {table} SET state = 'refused' WHERE state = 'requested'")
    for table, rule in RULES.items():
        op.execute(f"ALTER POLICY scope ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f"ALTER POLICY scope_change ON book_transfer USING ({TRANSFER}) WITH CHECK ({TRANSFER})")
    op.execute("RESET ROLE")
