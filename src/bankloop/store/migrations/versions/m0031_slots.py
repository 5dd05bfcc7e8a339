"""Places that customers come to: impressions beside contacts, and for how long what is waved away is left in peace."""

from alembic import op

from bankloop.store.migrations.first.conditions import may
from bankloop.store.migrations.first.room import OWNER

revision = "0031"
down_revision = "0030"

_CLASSES = "'marketing', 'service', 'impression'"
# What is declined at a slot is the decision's own, as what is declined in a conversation is its task's.
_DECIDED = (
    "(SELECT true FROM decision_key k WHERE k.decision_id = offer_declined.task_id "
    "AND k.customer_no = offer_declined.customer_no LIMIT 1)"
)
_STATEMENTS = (
    "ALTER TABLE offer_declined ADD COLUMN quiet_days integer NOT NULL DEFAULT 180 CHECK (quiet_days > 0)",
    "ALTER TABLE contact DROP CONSTRAINT contact_contact_class_check",
    f"ALTER TABLE contact ADD CONSTRAINT contact_contact_class_check CHECK (contact_class IN ({_CLASSES}))",
    f"CREATE POLICY slot_read ON offer_declined FOR SELECT USING ({may('decision.read')} AND {_DECIDED})",
    f"CREATE POLICY slot_add ON offer_declined FOR INSERT WITH CHECK ({may('decision.answer')} AND {_DECIDED})",
)


def upgrade() -> None:
    """Let a contact be an impression; say of every refusal for how many days it holds: until now half a year."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for statement in _STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")
