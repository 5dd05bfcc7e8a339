"""Fifth: one customer out of many records.

Every source identity has a number for life, and events are recorded under it. ``party_member`` says which party a number
belongs to and since when; who is not in it is a party of its own. Names, documents and addresses lie sealed; only the
program opens them, and a person while a customer is unmasked for them.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

OWNER, LOADER, APP, AUDITOR = "bankloop_owner", "bankloop_loader", "bankloop_app", "bankloop_auditor"

TABLES = """
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
    a text REFERENCES identity, b text REFERENCES identity, kind text CHECK (kind IN ('document', 'model', 'steward', 'verified')),
    weight double precision NOT NULL, evidence jsonb NOT NULL, reason text NOT NULL, made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), ended_at timestamptz, PRIMARY KEY (a, b, kind, made_at), CHECK (a < b)
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
    valid_to timestamptz, PRIMARY KEY (customer_no, valid_from), CHECK (valid_to >= valid_from), CHECK (party_no <> customer_no)
);
CREATE UNIQUE INDEX party_member_open ON party_member (customer_no) WHERE valid_to IS NULL;
CREATE INDEX party_member_party ON party_member (party_no);

CREATE TABLE match_candidate (
    candidate_id uuid PRIMARY KEY, a text NOT NULL REFERENCES identity, b text NOT NULL REFERENCES identity,
    weight double precision NOT NULL, evidence jsonb NOT NULL, why text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'merged', 'separate', 'settled')), decided_by text, reason text NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), decided_at timestamptz, CHECK (a < b)
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
"""


def _yes(condition: str) -> str:
    return f"(SELECT coalesce({condition}, false))"


def _may(*rights: str) -> str:
    wanted = ", ".join(f"'{right}'" for right in ("*", *rights))
    return _yes(f"string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY[{wanted}]")


WHOLE_BANK = _yes(
    "current_setting('bankloop.units', true) = '*' AND current_setting('bankloop.lines', true) = '*' "
    "AND coalesce(current_setting('bankloop.book', true), '') = ''"
)
NOW = "(SELECT current_setting('bankloop.now', true)::timestamptz)"
PROGRAM = f"{WHOLE_BANK} AND {_may()}"


def _own(table: str) -> str:
    """A number is seen by whom its own row of the book is seen; whole parties are opened by the verbs."""
    return (
        f"({WHOLE_BANK} OR (SELECT true FROM customer_book b WHERE b.customer_no = {table}.customer_no "
        f"AND b.valid_from <= {NOW} AND (b.valid_to IS NULL OR b.valid_to > {NOW}) LIMIT 1))"
    )


# table: who reads; changes are the program's own, made by verbs that judged them.
READS = {
    "identity": f"{_may('customer.read', 'customer.list')} AND {_own('identity')}",
    "identity_record": PROGRAM,
    "identity_block": PROGRAM,
    "identity_mark": PROGRAM,
    "identity_link": f"{_may('merge.read')} AND {WHOLE_BANK}",
    "identity_separation": f"{_may('merge.read')} AND {WHOLE_BANK}",
    "party_member": f"{_may('customer.read', 'customer.list')} AND {_own('party_member')}",
    "match_candidate": f"{_may('merge.read')} AND {WHOLE_BANK}",
    "merge_event": f"{_may('merge.read')} AND {WHOLE_BANK}",
    "match_model": f"{_may('merge.read')} AND {WHOLE_BANK}",
}
# Ledgers are appended to; identities, links and memberships end by a date, never by deletion, but for an erasure.
RIGHTS = {
    "identity": "SELECT, INSERT, UPDATE",
    "identity_record": "SELECT, INSERT, UPDATE, DELETE",
    "identity_block": "SELECT, INSERT, DELETE",
    "identity_mark": "SELECT, INSERT, UPDATE, DELETE",
    "identity_link": "SELECT, INSERT, UPDATE",
    "identity_separation": "SELECT, INSERT, UPDATE",
    "party_member": "SELECT, INSERT, UPDATE",
    "match_candidate": "SELECT, INSERT, UPDATE",
    "merge_event": "SELECT, INSERT",
    "match_model": "SELECT, INSERT",
}
AUDITED = sorted(set(READS) - {"identity_record", "identity_block", "identity_mark"})


def upgrade() -> None:
    """Add identities with their parties."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(TABLES)
    for table, read in READS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT USING ({read})")
        op.execute(f"CREATE POLICY keep ON {table} USING ({PROGRAM}) WITH CHECK ({PROGRAM})")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
        op.execute(f"GRANT {RIGHTS[table]} ON {table} TO {APP}")
    # A number of ours is made of the rank that the row will have.
    op.execute(f"GRANT USAGE ON SEQUENCE identity_rank_seq TO {APP}")
    op.execute(f"GRANT SELECT ON {', '.join(AUDITED)} TO {AUDITOR}")
    op.execute("RESET ROLE")
