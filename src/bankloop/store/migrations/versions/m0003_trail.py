"""Third: approvals in stages, the trail's origin and anchors, keys and sealed identifiers."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Deepen approval and audit; add keys and the vault."""
