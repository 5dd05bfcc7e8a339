"""What customers do with the bank on social channels (WeCom messages, moments, groups, live rooms), where they allow it.

Nothing of it is taken in without consent to improving the experience, given before it happened and standing now. What is
refused leaves a count and nothing else.
"""

from bankloop.customer.interaction.contracts import KINDS, Interaction, InteractionsTaken
from bankloop.customer.interaction.service import may_take, take_interactions

__all__ = ["KINDS", "Interaction", "InteractionsTaken", "may_take", "take_interactions"]
