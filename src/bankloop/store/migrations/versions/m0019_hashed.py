"""Nineteenth: what is only ever looked up whole is found by hash; an ordered index of random keys is dear to fill.

Taking 1.6 million identifiers into an empty vault spent two thirds of its time on the order of their blind indexes.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

OWNER = "bankloop_owner"


def upgrade() -> None:
    """Find identifiers by the hash of their blind index, and decisions by that of their id."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute("DROP INDEX identifier_blind")
    op.execute("CREATE INDEX identifier_blind ON identifier USING hash (blind)")
    op.execute("DROP INDEX decision_id")
    op.execute("CREATE INDEX decision_id ON decision USING hash (decision_id)")
    op.execute("RESET ROLE")
