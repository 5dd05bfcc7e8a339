"""The customer's tables: identities and their parties, what customers allow, segments, lists of customers.

Every source identity has a number for life, and events are recorded under it. ``party_member`` says which party a number
belongs to and since when; who is not in it is a party of its own. Names, documents and addresses lie sealed; only the
program opens them, and a person while a customer is unmasked for them.
"""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import (
    EVERY_RIGHT,
    IN_SCOPE,
    PROGRAM,
    SURELY_WHOLE_BANK,
    may,
    own_customer,
)
from bankloop.store.migrations.first.room import APP, APPEND, KEEP, NOTHING, Access, Room, scopes

_IDENTITIES = """
CREATE TABLE identity (
    customer_no text PRIMARY KEY, source text NOT NULL, key_blind text NOT NULL, channel boolean NOT NULL,
    rank bigint GENERATED ALWAYS AS IDENTITY, as_of date NOT NULL, load_id text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), changed_at timestamptz NOT NULL DEFAULT bankloop_now(),
    linked_at timestamptz, CONSTRAINT identity_source UNIQUE (source, key_blind)
);
CREATE INDEX identity_waiting ON identity (customer_no) WHERE linked_at IS NULL;

CREATE TABLE identity_record (
    customer_no text PRIMARY KEY REFERENCES identity, sealed bytea NOT NULL, digest text NOT NULL, card text
);

CREATE TABLE identity_block (block bigint, customer_no text, PRIMARY KEY (block, customer_no));
CREATE INDEX identity_block_customer ON identity_block (customer_no);

CREATE TABLE identity_mark (
    customer_no text REFERENCES identity, kind text, blind text, sealed bytea NOT NULL,
    valid_from timestamptz NOT NULL, valid_to timestamptz, PRIMARY KEY (customer_no, kind, blind)
);
CREATE INDEX identity_mark_blind ON identity_mark (kind, blind);

CREATE TABLE identity_link (
    a text REFERENCES identity, b text REFERENCES identity,
    kind text CHECK (kind IN ('document', 'model', 'steward', 'verified')),
    weight double precision NOT NULL, evidence jsonb NOT NULL, reason text NOT NULL, made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), ended_at timestamptz,
    PRIMARY KEY (a, b, kind, made_at), CHECK (a < b)
);
CREATE UNIQUE INDEX identity_link_open ON identity_link (a, b, kind) WHERE ended_at IS NULL;
CREATE INDEX identity_link_b ON identity_link (b) WHERE ended_at IS NULL;

CREATE TABLE identity_separation (
    a text REFERENCES identity, b text REFERENCES identity, reason text NOT NULL, made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), ended_at timestamptz, PRIMARY KEY (a, b, made_at), CHECK (a < b)
);
CREATE UNIQUE INDEX identity_separation_open ON identity_separation (a, b) WHERE ended_at IS NULL;
CREATE INDEX identity_separation_b ON identity_separation (b) WHERE ended_at IS NULL;

CREATE TABLE party_member (
    customer_no text REFERENCES identity, party_no text NOT NULL REFERENCES identity, valid_from timestamptz,
    valid_to timestamptz, PRIMARY KEY (customer_no, valid_from), CHECK (valid_to >= valid_from),
    CHECK (party_no <> customer_no)
);
CREATE UNIQUE INDEX party_member_open ON party_member (customer_no) WHERE valid_to IS NULL;
CREATE INDEX party_member_party ON party_member (party_no);

CREATE TABLE match_candidate (
    candidate_id uuid PRIMARY KEY, a text NOT NULL REFERENCES identity, b text NOT NULL REFERENCES identity,
    weight double precision NOT NULL, evidence jsonb NOT NULL, why text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'merged', 'separate', 'settled')), decided_by text,
    reason text NOT NULL DEFAULT '', made_at timestamptz NOT NULL DEFAULT bankloop_now(), decided_at timestamptz,
    CHECK (a < b)
);
CREATE UNIQUE INDEX match_candidate_open ON match_candidate (a, b) WHERE state = 'waiting';

CREATE TABLE merge_event (
    event_id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('merge', 'unmerge')), party_no text NOT NULL,
    other_no text NOT NULL, moved text[] NOT NULL, evidence jsonb NOT NULL, flags text[] NOT NULL, made_by text NOT NULL,
    reason text NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX merge_event_party ON merge_event (party_no);
CREATE INDEX merge_event_other ON merge_event (other_no);

CREATE TABLE match_model (
    version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model jsonb NOT NULL, records bigint NOT NULL,
    made_by text NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE identity_file (
    source text, digest text, line text NOT NULL, file text NOT NULL, day date, read bigint NOT NULL,
    empty bigint NOT NULL, taken_at timestamptz NOT NULL, PRIMARY KEY (source, digest)
);
"""

_OTHERS = """
CREATE TABLE consent_record (
    record_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_no text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('marketing', 'experience', 'survey', 'sharing', 'sensitive',
        'no_personalisation', 'no_marketing', 'do_not_contact')),
    channel text NOT NULL CHECK (channel <> ''), recipient text NOT NULL CHECK (recipient <> ''),
    stands boolean NOT NULL, said_at timestamptz NOT NULL, origin text NOT NULL, evidence jsonb NOT NULL,
    made_by text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX consent_record_customer ON consent_record (customer_no, purpose);
CREATE INDEX consent_record_file ON consent_record (customer_no) WHERE origin = 'file';

CREATE TABLE offer_declined (
    task_id uuid PRIMARY KEY, customer_no text NOT NULL, campaign text NOT NULL CHECK (campaign <> ''),
    declined_at timestamptz NOT NULL
);
CREATE INDEX offer_declined_customer ON offer_declined (customer_no, campaign);

CREATE TABLE segment (
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,47}$'), version integer NOT NULL CHECK (version > 0),
    kind text NOT NULL CHECK (kind IN ('rule', 'cluster')), title_zh text NOT NULL, title_en text NOT NULL,
    expression text NOT NULL, body jsonb NOT NULL, digest text NOT NULL, unit_id text NOT NULL, made_by text NOT NULL,
    made_at timestamptz NOT NULL, plan jsonb, active_from timestamptz, active_to timestamptz,
    PRIMARY KEY (name, version),
    CONSTRAINT segment_says CHECK ((kind = 'rule') = (expression <> '')),
    CONSTRAINT segment_plan CHECK (active_from IS NULL OR coalesce(plan->>'title', '') <> ''),
    CONSTRAINT segment_term CHECK (active_to IS NULL OR active_from IS NOT NULL)
);
CREATE UNIQUE INDEX segment_active ON segment (name) WHERE active_from IS NOT NULL AND active_to IS NULL;

CREATE TABLE work_list (
    list_id uuid PRIMARY KEY, name text NOT NULL CHECK (name <> ''), digest text NOT NULL, unit_id text NOT NULL,
    made_by text NOT NULL, made_at timestamptz NOT NULL, due_on date NOT NULL, read integer NOT NULL,
    usable integer NOT NULL, recalled_at timestamptz,
    returned jsonb NOT NULL DEFAULT '[]', CONSTRAINT work_list_once UNIQUE (unit_id, name, digest)
);
"""

# A number of ours is made of the rank that the row will have.
_RANKS = f"GRANT USAGE ON SEQUENCE identity_rank_seq TO {APP}"


def _own(table: str) -> str:
    return f"({SURELY_WHOLE_BANK} OR {own_customer(table)})"


def _judged(read: str) -> dict[str, str]:
    """Return the policies of rows that people may read, and that only verbs, which judged, write."""
    return {"scope_read": f"FOR SELECT USING ({read})", "keep": f"USING ({PROGRAM}) WITH CHECK ({PROGRAM})"}


# A number is seen by whom its own row of the book is seen; whole parties are opened by the verbs.
_SEES = may("customer.read", "customer.list")
_STEWARD = f"{may('merge.read')} AND {SURELY_WHOLE_BANK}"
# The log of taken files is the program's own to read as well.
_REGISTERS = f"{SURELY_WHOLE_BANK} AND {EVERY_RIGHT}"
_CONSENTS = {
    "scope_read": f"FOR SELECT USING ({may('consent.read')} AND {_own('consent_record')})",
    "add": f"FOR INSERT WITH CHECK ({PROGRAM})",
}
# Who logs a task sees it; a row of somebody else's task is refused with the task.
_TASK = (
    "(SELECT true FROM staff_task t WHERE t.task_id = offer_declined.task_id "
    "AND t.customer_no = offer_declined.customer_no LIMIT 1)"
)
# What head office makes everybody may read; only whose it is changes it.
_SEGMENTS = scopes(
    f"{may('segment.read')} AND (unit_id = '*' OR {IN_SCOPE})",
    f"{may('segment.save', 'segment.cluster')} AND {IN_SCOPE}",
    f"{may('segment.plan', 'segment.activate', 'segment.retire')} AND {IN_SCOPE}",
)

# Ledgers are appended to; identities, links and memberships end by a date, never by deletion, but for an erasure.
CUSTOMER = Room(
    "customer",
    _IDENTITIES + _OTHERS,
    {
        "identity": Access(KEEP, _judged(f"{_SEES} AND {_own('identity')}")),
        "identity_record": Access(f"{KEEP}, DELETE", _judged(PROGRAM), auditor=NOTHING),
        "identity_block": Access(f"{APPEND}, DELETE", _judged(PROGRAM), auditor=NOTHING),
        "identity_mark": Access(f"{KEEP}, DELETE", _judged(PROGRAM), auditor=NOTHING),
        "identity_link": Access(KEEP, _judged(_STEWARD)),
        "identity_separation": Access(KEEP, _judged(_STEWARD)),
        "party_member": Access(KEEP, _judged(f"{_SEES} AND {_own('party_member')}")),
        "match_candidate": Access(KEEP, _judged(_STEWARD)),
        "merge_event": Access(APPEND, _judged(_STEWARD)),
        "match_model": Access(APPEND, _judged(_STEWARD)),
        "identity_file": Access(APPEND, {"keep": f"USING ({_REGISTERS}) WITH CHECK ({_REGISTERS})"}),
        "consent_record": Access(APPEND, _CONSENTS),
        "offer_declined": Access(APPEND, scopes(f"{may('task.read')} AND {_TASK}", f"{may('task.log')} AND {_TASK}")),
        "segment": Access(f"{APPEND}, UPDATE (plan, active_from, active_to)", _SEGMENTS),
        "work_list": Access(
            KEEP,
            scopes(*(f"{may(f'worklist.{act}')} AND {IN_SCOPE}" for act in ("read", "take", "recall"))),
        ),
    },
    (_RANKS,),
)
