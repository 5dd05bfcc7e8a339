"""What a branch narrows by itself (分行特色): fewer customers, contacts and benefits.

Of benefits it adds only what head office leaves to branches.

This room keeps it; what a condition means, and head office's limits, are known above.
"""

from bankloop.organization.branch_rule.service import Narrowing, end_narrowing, keep_narrowing, narrowings

__all__ = ["Narrowing", "end_narrowing", "keep_narrowing", "narrowings"]
