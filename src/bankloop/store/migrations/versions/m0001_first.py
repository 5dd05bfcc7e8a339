"""First: the four roles, every table, row-level security, and who may do what.

Policies are plain predicates on transaction-local settings, read once per statement (the scalar sub-select), and deny
when a setting is missing. They bind the owner too. What is append-only is so by grant: nobody but the owner may change
an event, a decision, a contact or an audit row.
"""

from alembic import op

revision = "0001"
down_revision = None

OWNER, LOADER, APP, AUDITOR = "bankloop_owner", "bankloop_loader", "bankloop_app", "bankloop_auditor"

TABLES = """
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
CREATE INDEX decision_id ON decision (decision_id);
CREATE INDEX decision_customer ON decision (customer_no, window_start);
CREATE INDEX decision_round ON decision (campaign, round);

CREATE TABLE contact_customer (customer_no text PRIMARY KEY);

CREATE TABLE contact (
    decision_id uuid PRIMARY KEY, customer_no text NOT NULL, unit_id text NOT NULL, channel text NOT NULL,
    campaign text NOT NULL, contact_class text NOT NULL CHECK (contact_class IN ('marketing', 'service')),
    due_at timestamptz NOT NULL, due_day date NOT NULL, accepted boolean NOT NULL, refused_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX contact_customer_day ON contact (customer_no, due_day);

CREATE TABLE capacity_use (
    channel text, unit_id text, day date, used bigint NOT NULL CHECK (used >= 0), PRIMARY KEY (channel, unit_id, day)
);

CREATE TABLE pool_use (pool text PRIMARY KEY, used bigint NOT NULL CHECK (used >= 0));

CREATE TABLE benefit_grant (
    decision_id uuid PRIMARY KEY, customer_no text NOT NULL, unit_id text NOT NULL, benefit text NOT NULL,
    reserved_fen bigint NOT NULL CHECK (reserved_fen >= 0), granted boolean NOT NULL, refused_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL, unit_id text NOT NULL,
    payload jsonb NOT NULL, attempts integer NOT NULL DEFAULT 0, last_error text,
    created_at timestamptz NOT NULL DEFAULT bankloop_now(), done_at timestamptz,
    CONSTRAINT outbox_once UNIQUE (topic, key)
);
CREATE INDEX outbox_waiting ON outbox (topic, id) WHERE done_at IS NULL;

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(), principal text NOT NULL, verb text NOT NULL,
    object_kind text NOT NULL, object_id text NOT NULL, before json, after json, reason text NOT NULL
);
CREATE INDEX audit_xid ON audit (xid);
CREATE INDEX audit_object ON audit (object_kind, object_id);

CREATE TABLE audit_seal (
    seal bigint PRIMARY KEY, horizon bigint NOT NULL, row_ids bigint[] NOT NULL, row_digests text[] NOT NULL,
    chain text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE lake_version (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, table_name text NOT NULL, version text NOT NULL,
    files text[] NOT NULL, rows bigint NOT NULL, digest text NOT NULL, as_of date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CONSTRAINT lake_version_once UNIQUE (table_name, version)
);

CREATE TABLE campaign (
    name text PRIMARY KEY, state text NOT NULL, lock_digest text, round integer NOT NULL, maker text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE campaign_step (
    campaign text, round integer, step text, state text NOT NULL, detail jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT bankloop_now(), PRIMARY KEY (campaign, round, step)
);

CREATE TABLE spec_lock (
    digest text PRIMARY KEY, campaign text NOT NULL, content json NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE plan (
    plan_id uuid PRIMARY KEY, campaigns text[] NOT NULL, window_start date NOT NULL, window_end date NOT NULL,
    as_of date NOT NULL, digest text NOT NULL, prices jsonb NOT NULL, value_fen bigint NOT NULL,
    bound_fen bigint NOT NULL, gap_ppm bigint NOT NULL, summary jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CONSTRAINT plan_once UNIQUE (window_start, digest)
);

CREATE TABLE model_version (
    model_id text, version integer, campaign text NOT NULL, kind text NOT NULL, card jsonb NOT NULL,
    artefact_digest text NOT NULL, artefact_path text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'champion', 'retired')),
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(), PRIMARY KEY (model_id, version)
);
CREATE UNIQUE INDEX model_champion ON model_version (model_id) WHERE state = 'champion';

CREATE TABLE audience_snapshot (
    campaign text, round integer, digest text NOT NULL, waterfall jsonb NOT NULL, lake_table text NOT NULL,
    lake_version text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now(), PRIMARY KEY (campaign, round)
);

CREATE TABLE result (
    campaign text, round integer, as_of date, reading jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(), PRIMARY KEY (campaign, round, as_of)
);

CREATE TABLE approval (
    approval_id uuid PRIMARY KEY, kind text NOT NULL, object_id text NOT NULL, digest text NOT NULL,
    maker text NOT NULL, checker text CHECK (checker <> maker),
    state text NOT NULL CHECK (state IN ('submitted', 'approved', 'recalled', 'rejected', 'void')),
    reason text NOT NULL, submitted_at timestamptz NOT NULL DEFAULT bankloop_now(), decided_at timestamptz,
    CHECK (state <> 'approved' OR checker IS NOT NULL)
);
CREATE INDEX approval_object ON approval (kind, object_id, submitted_at);
CREATE UNIQUE INDEX approval_open ON approval (kind, object_id) WHERE state = 'submitted';

CREATE TABLE staff_task (
    decision_id uuid PRIMARY KEY, campaign text NOT NULL, round integer NOT NULL, customer_no text NOT NULL,
    unit_id text NOT NULL, staff_id text, due_on date NOT NULL, action text NOT NULL, value_fen bigint NOT NULL,
    script_version text NOT NULL, reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('CREATED', 'ASSIGNED', 'DONE', 'EXPIRED')), state_reason text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX staff_task_unit ON staff_task (unit_id, due_on);
"""

# The clock is passed in: a transaction that was given a moment stamps its rows with it.
NOW = """
CREATE FUNCTION bankloop_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('bankloop.now', true), '')::timestamptz, now()) $$;
"""

# Attaching takes only a lock that lets others read and write the other months; one advisory lock lets two that need
# the same new month take turns. There is no default partition: its rows would have to be moved under a full lock.
PARTITIONS = """
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

BY_UNIT = ("event", "decision_key", "decision", "contact", "benefit_grant", "outbox", "staff_task")

UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
IN_SCOPE = f"'*' = ANY ({UNITS}) OR unit_id = ANY ({UNITS})"
KNOWN = "(SELECT coalesce(current_setting('bankloop.principal', true), '')) <> ''"

# Who may do what; S(elect), I(nsert), U(pdate). The auditor reads everything and writes nothing.
RIGHTS = {
    APP: {
        "event_key": "SI",
        "event": "SI",
        "decision_key": "SI",
        "decision": "SI",
        "contact_customer": "SIU",
        "contact": "SI",
        "capacity_use": "SIU",
        "pool_use": "SIU",
        "benefit_grant": "SI",
        "outbox": "SIU",
        "audit": "I",
        "lake_version": "S",
        "campaign": "SIU",
        "campaign_step": "SIU",
        "spec_lock": "SI",
        "plan": "SI",
        "model_version": "SIU",
        "audience_snapshot": "SI",
        "result": "SI",
        "approval": "SIU",
        "staff_task": "SIU",
    },
    LOADER: {"event_key": "SI", "event": "SI", "audit": "I", "lake_version": "SI"},
}
WORDS = {"S": "SELECT", "I": "INSERT", "U": "UPDATE"}


def upgrade() -> None:
    """Carry an empty database to the first schema."""
    for role in (OWNER, LOADER, APP, AUDITOR):
        _create_role(role)
    op.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}")
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for script in (NOW, TABLES, PARTITIONS):
        op.execute(script)
    _secure()
    _grant()
    op.execute("RESET ROLE")
    # Temporary tables are how columns are copied in.
    op.execute(
        f"DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); EXECUTE format("
        f"'GRANT CONNECT, TEMPORARY ON DATABASE %I TO {OWNER}, {LOADER}, {APP}, {AUDITOR}', current_database()); END $$"
    )
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _create_role(role: str) -> None:
    """Create a role unless the server has it; the migrating user must be able to act as it."""
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN "
        f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE; END IF; "
        f"IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN GRANT {role} TO CURRENT_USER; "
        f"END IF; END $$"
    )


def _secure() -> None:
    for table in (*BY_UNIT, "contact_customer"):
        rule = KNOWN if table == "contact_customer" else IN_SCOPE
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} USING ({rule}) WITH CHECK ({rule})")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")


def _grant() -> None:
    op.execute(f"GRANT SELECT ON {', '.join((*RIGHTS[APP], 'audit_seal'))} TO {AUDITOR}")
    op.execute(f"GRANT EXECUTE ON FUNCTION bankloop_partition(text, date) TO {APP}, {LOADER}")
    for role, tables in RIGHTS.items():
        for table, rights in tables.items():
            op.execute(f"GRANT {', '.join(WORDS[right] for right in rights)} ON {table} TO {role}")
