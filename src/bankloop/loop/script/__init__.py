"""Step 5, 选话术: approved versions by product and channel, slots with fallbacks, the wording check at the word.

Only approved texts leave this room; it sends nothing.
"""

from bankloop.loop.script.rules import Phrase, WordingFinding, check_service, check_wording, lexicon
from bankloop.loop.script.service import Chosen, check_scripts, choose, newest_approved

__all__ = [
    "Chosen",
    "Phrase",
    "WordingFinding",
    "check_scripts",
    "check_service",
    "check_wording",
    "choose",
    "lexicon",
    "newest_approved",
]
