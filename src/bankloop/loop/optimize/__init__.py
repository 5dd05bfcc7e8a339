"""Step 8, 优模型: labels when due, a challenger beside the champion, the next round's draft. It promotes nothing itself.

Promotion is an approval by a second person, and can be undone.
"""

from bankloop.loop.optimize.service import (
    Challenger,
    Comparison,
    compare,
    drift_alert,
    labels_due,
    next_draft,
    train_challenger,
)

__all__ = ["Challenger", "Comparison", "compare", "drift_alert", "labels_due", "next_draft", "train_challenger"]
