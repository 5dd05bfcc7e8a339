"""Fourth: accounts, sessions, machine credentials, idempotency keys."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add what signing in and the API need."""
