"""One customer out of many records (ECIF): numbers for life, links with evidence, parties, merges that can be undone.

Every record of a source is an identity with a number of its own, and events are recorded under it. A party is what open
links join and no separation keeps apart; it goes by the number of its first member. Records lie sealed and are found by
blind indexes. This room knows who somebody is, not what they are worth or what to offer.
"""

from bankloop.customer.identity.clusters import Partition, partition
from bankloop.customer.identity.contracts import (
    CHANNELS,
    DOCUMENT_TYPES,
    RECORD_SCHEMA,
    Link,
    Linked,
    LinkKind,
    MatchCandidate,
    Member,
    MergeEvent,
    Party,
    Registered,
    Thresholds,
    Value,
)
from bankloop.customer.identity.features import FEATURES, make_features
from bankloop.customer.identity.golden import Sourced, golden
from bankloop.customer.identity.intake import CORE, forget_identity, register
from bankloop.customer.identity.ledger import candidates, merges
from bankloop.customer.identity.lines import Conflict, Integration, conflicts, integration
from bankloop.customer.identity.linking import (
    cards_of,
    common_from,
    common_sounds,
    judge,
    judge_documents,
    learn_matching,
    link_identities,
    model_in_force,
)
from bankloop.customer.identity.marks import KINDS, masked, normal_value
from bankloop.customer.identity.matching import (
    BANK,
    RAREST_U,
    ComparedField,
    MatchSpec,
    Model,
    compared,
    learn,
    patterns_of,
    shipped_model,
    weigh,
)
from bankloop.customer.identity.merging import (
    ask_merge,
    bind_channel,
    decide_candidate,
    merge_parties,
    unbind_channel,
    undo_merge,
)
from bankloop.customer.identity.numbers import (
    MEMBERSHIPS,
    joined_numbers,
    joined_person,
    lock_people,
    numbers_asked,
    numbers_of,
    people_of,
)
from bankloop.customer.identity.opening import (
    Identified,
    PartyView,
    Shown,
    disclosed_identity,
    open_party,
    search_parties,
)
from bankloop.customer.identity.queries import events_of, find_parties, party_map, party_of, resolve
from bankloop.customer.identity.reading import read_records
from bankloop.customer.identity.registers import RegisterReport, take_registers
from bankloop.customer.identity.whys import WHYS

__all__ = [
    "BANK",
    "CHANNELS",
    "CORE",
    "DOCUMENT_TYPES",
    "FEATURES",
    "KINDS",
    "MEMBERSHIPS",
    "RAREST_U",
    "RECORD_SCHEMA",
    "WHYS",
    "ComparedField",
    "Conflict",
    "Identified",
    "Integration",
    "Link",
    "LinkKind",
    "Linked",
    "MatchCandidate",
    "MatchSpec",
    "Member",
    "MergeEvent",
    "Model",
    "Partition",
    "Party",
    "PartyView",
    "RegisterReport",
    "Registered",
    "Shown",
    "Sourced",
    "Thresholds",
    "Value",
    "ask_merge",
    "bind_channel",
    "candidates",
    "cards_of",
    "common_from",
    "common_sounds",
    "compared",
    "conflicts",
    "decide_candidate",
    "disclosed_identity",
    "events_of",
    "find_parties",
    "forget_identity",
    "golden",
    "integration",
    "joined_numbers",
    "joined_person",
    "judge",
    "judge_documents",
    "learn",
    "learn_matching",
    "link_identities",
    "lock_people",
    "make_features",
    "masked",
    "merge_parties",
    "merges",
    "model_in_force",
    "normal_value",
    "numbers_asked",
    "numbers_of",
    "open_party",
    "partition",
    "party_map",
    "party_of",
    "patterns_of",
    "people_of",
    "read_records",
    "register",
    "resolve",
    "search_parties",
    "shipped_model",
    "take_registers",
    "unbind_channel",
    "undo_merge",
    "weigh",
]
