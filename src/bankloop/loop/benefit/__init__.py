"""Step 4, 定权益: benefits by budget and stock, and the matrix of what may accompany what, with its citations.

Nothing may be given for wealth products or deposits, whatever a campaign asks.
"""

from bankloop.loop.benefit.service import BenefitRuling, attach, check_benefits, discount_fen, rule_benefit

__all__ = ["BenefitRuling", "attach", "check_benefits", "discount_fen", "rule_benefit"]
