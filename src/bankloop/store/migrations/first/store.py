"""The store's own tables: the appended ledgers, the outbox, the trail and what is sealed.

What is append-only is so by grant: nobody but the owner may change an event, a decision or an audit row.
"""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import (
    EVERY_RIGHT,
    IN_SCOPE,
    KNOWN,
    WHOLE_BANK,
    WRITES_FOR,
    may,
    own_customer,
)
from bankloop.store.migrations.first.room import APP, APPEND, KEEP, LOADER, NOTHING, Access, Room, scope, scopes

_TABLES = """
CREATE TABLE event_key (source text, event_id bigint, PRIMARY KEY (source, event_id));

CREATE TABLE event (
    source text NOT NULL, event_id bigint NOT NULL, customer_no text NOT NULL, unit_id text NOT NULL,
    type text NOT NULL, occurred_on date NOT NULL, occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
    channel text NOT NULL, scene text NOT NULL, amount_fen bigint, properties jsonb NOT NULL
) PARTITION BY RANGE (occurred_on);
CREATE INDEX event_customer ON event (customer_no, occurred_at);

CREATE TABLE decision_key (
    campaign text, round integer, customer_no text, placement text, window_start date,
    decision_id uuid NOT NULL, unit_id text NOT NULL,
    PRIMARY KEY (campaign, round, customer_no, placement, window_start),
    CONSTRAINT decision_key_decision UNIQUE (decision_id)
);

CREATE TABLE decision (
    decision_id uuid NOT NULL, campaign text NOT NULL, round integer NOT NULL, customer_no text NOT NULL,
    unit_id text NOT NULL, placement text NOT NULL, window_start date NOT NULL, window_end date NOT NULL,
    lock_digest text NOT NULL, plan_id uuid, as_of date NOT NULL, state_digest text NOT NULL, cell text NOT NULL,
    intended_action text, issued_action text, propensities jsonb NOT NULL, attributes jsonb NOT NULL,
    model_versions jsonb NOT NULL, value_fen bigint, reasons text[] NOT NULL, due_on date,
    recorded_at timestamptz NOT NULL
) PARTITION BY RANGE (window_start);
-- What is only ever looked up whole is found by hash; an ordered index of random keys is dear to fill.
CREATE INDEX decision_id ON decision USING hash (decision_id);
CREATE INDEX decision_customer ON decision (customer_no, window_start);
CREATE INDEX decision_round ON decision (campaign, round);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL, unit_id text NOT NULL,
    payload jsonb NOT NULL, attempts integer NOT NULL DEFAULT 0, last_error text,
    created_at timestamptz NOT NULL DEFAULT bankloop_now(), done_at timestamptz, held text,
    CONSTRAINT outbox_once UNIQUE (topic, key)
);
CREATE INDEX outbox_waiting ON outbox (topic, id) WHERE done_at IS NULL;

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(), principal text NOT NULL, verb text NOT NULL,
    object_kind text NOT NULL, object_id text NOT NULL, before json, after json, reason text NOT NULL,
    origin text NOT NULL DEFAULT '', purpose text NOT NULL DEFAULT '', approval_id uuid,
    class text NOT NULL DEFAULT 'operation', subject text, sealed bytea
);
CREATE INDEX audit_xid ON audit (xid);
CREATE INDEX audit_object ON audit (object_kind, object_id);
CREATE INDEX audit_subject ON audit (subject) WHERE subject IS NOT NULL;

CREATE TABLE audit_seal (
    seal bigint PRIMARY KEY, horizon bigint NOT NULL, row_ids bigint[] NOT NULL, row_digests text[] NOT NULL,
    chain text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE audit_check (
    check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, checked_at timestamptz NOT NULL DEFAULT bankloop_now(),
    rows bigint NOT NULL, seals bigint NOT NULL, findings jsonb NOT NULL
);

CREATE TABLE audit_purge (
    purge_id uuid PRIMARY KEY, class text NOT NULL, before_day date NOT NULL, row_ids bigint[] NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE legal_hold (
    hold_id uuid PRIMARY KEY, object_kind text NOT NULL, object_id text NOT NULL, reason text NOT NULL,
    placed_by text NOT NULL, placed_at timestamptz NOT NULL DEFAULT bankloop_now(), released_at timestamptz
);

CREATE TABLE customer_key (
    customer_no text PRIMARY KEY, sealed_key bytea, created_at timestamptz NOT NULL DEFAULT bankloop_now(),
    erased_at timestamptz, CHECK ((sealed_key IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE identifier (
    customer_no text, kind text, blind text NOT NULL, sealed bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(), PRIMARY KEY (customer_no, kind)
);
CREATE INDEX identifier_blind ON identifier USING hash (blind);
"""

# Attaching takes only a lock that lets others read and write the other months; one advisory lock lets two that need
# the same new month take turns. There is no default partition: its rows would have to be moved under a full lock.
_PARTITIONS = """
CREATE FUNCTION bankloop_partition(parent text, month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    name text := parent || '_p' || to_char(first, 'YYYYMM');
BEGIN
    IF parent NOT IN ('event', 'decision') THEN
        RAISE EXCEPTION 'no partitions by month: %', parent;
    END IF;
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('bankloop_partition'));
    -- Read the catalogue itself: a name that was not there a moment ago is cached as missing.
    IF EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', name, parent);
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, name, first, (first + interval '1 month')::date);
END $$;
REVOKE ALL ON FUNCTION bankloop_partition(text, date) FROM PUBLIC;
"""
_MAKES_MONTHS = f"GRANT EXECUTE ON FUNCTION bankloop_partition(text, date) TO {APP}, {LOADER}"

# The vault opens to the program at work, and to a person while the customer is unmasked for them.
_UNMASKED = (
    "EXISTS (SELECT FROM unmasking u WHERE u.customer_no = identifier.customer_no AND u.person_id = "
    "(SELECT current_setting('bankloop.principal', true)) AND u.valid_from <= (SELECT bankloop_now()) "
    "AND u.valid_to > (SELECT bankloop_now()))"
)
_VAULT = {
    "scope": f"FOR SELECT USING ({EVERY_RIGHT} OR {_UNMASKED})",
    "keep": f"FOR ALL USING ({EVERY_RIGHT}) WITH CHECK ({EVERY_RIGHT})",
}


def _ledger(table: str, read: str, add: str) -> dict[str, str]:
    """Return the policies of rows about a customer that are appended: nobody changes one."""
    return scopes(f"{may(read)} AND ({WHOLE_BANK} OR {own_customer(table)})", f"{WRITES_FOR} AND {may(add)}")


STORE = Room(
    "store",
    _TABLES,
    {
        "event_key": Access(APPEND, loader=APPEND),
        "event": Access(APPEND, _ledger("event", "event.read", "event.append"), loader=APPEND),
        "decision_key": Access(APPEND, _ledger("decision_key", "decision.read", "decision.make")),
        "decision": Access(APPEND, _ledger("decision", "decision.read", "decision.make")),
        "outbox": Access(KEEP, scope(IN_SCOPE)),
        "audit": Access("INSERT", loader="INSERT"),
        "audit_seal": Access(NOTHING),
        "audit_check": Access(APPEND),
        "audit_purge": Access(NOTHING),
        "legal_hold": Access(KEEP, scope(KNOWN)),
        "customer_key": Access(KEEP, scope(KNOWN), loader=APPEND),
        "identifier": Access(f"{KEEP}, DELETE", _VAULT, loader=f"{KEEP}, DELETE"),
    },
    (_PARTITIONS, _MAKES_MONTHS),
)
