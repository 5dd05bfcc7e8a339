"""Consent: a ledger by purpose, channel and recipient with evidence; what is not allowed is forbidden.

The latest word about a purpose holds, under whichever of a person's numbers it was said, and from its commit on for the
gate, the plans, deliveries and tasks alike. This room writes words down and rules on them; it sends nothing.
"""

from bankloop.customer.consent.contracts import (
    ANY_CHANNEL,
    TITLES,
    ConsentReport,
    ConsentRuling,
    ConsentStanding,
    Content,
    Purpose,
    Record,
    Recorded,
    Word,
)
from bankloop.customer.consent.ledger import DO_NOT_CONTACT, Heard, hearing_asked, refused_contacts, words_asked
from bankloop.customer.consent.queries import (
    Permits,
    ledger_of,
    permits,
    permits_of,
    standing_among,
    standing_of,
)
from bankloop.customer.consent.rules import ORIGINS, content_for, holds, may_contact, title_of
from bankloop.customer.consent.scope import in_scope, own_numbers
from bankloop.customer.consent.service import (
    ask_removal,
    load_consents,
    record_word,
    remove_from_list,
    restrict,
    take_consents,
)

__all__ = [
    "ANY_CHANNEL",
    "DO_NOT_CONTACT",
    "ORIGINS",
    "TITLES",
    "ConsentReport",
    "ConsentRuling",
    "ConsentStanding",
    "Content",
    "Heard",
    "Permits",
    "Purpose",
    "Record",
    "Recorded",
    "Word",
    "ask_removal",
    "content_for",
    "hearing_asked",
    "holds",
    "in_scope",
    "ledger_of",
    "load_consents",
    "may_contact",
    "own_numbers",
    "permits",
    "permits_of",
    "record_word",
    "refused_contacts",
    "remove_from_list",
    "restrict",
    "standing_among",
    "standing_of",
    "take_consents",
    "title_of",
    "words_asked",
]
