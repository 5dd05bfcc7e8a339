"""Second: people and rights."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add units, staff, roles granted, books of customers, agreements and unmaskings."""
