"""Third: approvals in stages, the trail's origin and anchors, keys and sealed identifiers.

The guard on ``approval`` is the last line: whatever the program does, a request reaches no live state without as many
different people's consents to exactly its digest as its route has stages, and what is over stays over.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

OWNER, LOADER, APP, AUDITOR = "bankloop_owner", "bankloop_loader", "bankloop_app", "bankloop_auditor"

AUDIT = """
ALTER TABLE audit ADD COLUMN origin text NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN purpose text NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN approval_id uuid;
ALTER TABLE audit ADD COLUMN class text NOT NULL DEFAULT 'operation';
ALTER TABLE audit ADD COLUMN subject text;
ALTER TABLE audit ADD COLUMN sealed bytea;
CREATE INDEX audit_subject ON audit (subject) WHERE subject IS NOT NULL;

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
"""

SEALED = """
CREATE TABLE customer_key (
    customer_no text PRIMARY KEY, sealed_key bytea, created_at timestamptz NOT NULL DEFAULT bankloop_now(),
    erased_at timestamptz, CHECK ((sealed_key IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE identifier (
    customer_no text, kind text, blind text NOT NULL, sealed bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(), PRIMARY KEY (customer_no, kind)
);
CREATE INDEX identifier_blind ON identifier (kind, blind);
"""

OUTBOX = "ALTER TABLE outbox ADD COLUMN held text;"

APPROVAL = """
ALTER TABLE approval DROP CONSTRAINT approval_check, DROP CONSTRAINT approval_check1,
    DROP CONSTRAINT approval_state_check;
UPDATE approval SET state = 'draft' WHERE state IN ('recalled', 'rejected');
ALTER TABLE approval ADD COLUMN unit_id text NOT NULL DEFAULT '*';
ALTER TABLE approval ADD COLUMN lane text NOT NULL DEFAULT 'agile';
ALTER TABLE approval ADD COLUMN emergency boolean NOT NULL DEFAULT false;
ALTER TABLE approval ADD COLUMN demand jsonb NOT NULL DEFAULT '{}';
ALTER TABLE approval ADD COLUMN effect jsonb NOT NULL DEFAULT '{}';
ALTER TABLE approval ADD COLUMN route text[] NOT NULL DEFAULT '{first}';
ALTER TABLE approval ADD COLUMN passed integer NOT NULL DEFAULT 0;
ALTER TABLE approval ADD COLUMN base_digest text;
ALTER TABLE approval ADD COLUMN content jsonb;
ALTER TABLE approval ADD COLUMN starts_on date;
ALTER TABLE approval ADD COLUMN expires_at timestamptz;
ALTER TABLE approval ADD CONSTRAINT approval_state CHECK (state IN ('draft', 'submitted', 'consumer_ok',
    'compliance_ok', 'first_ok', 'approved', 'scheduled', 'running', 'paused', 'closed', 'killed', 'expired', 'void'));
ALTER TABLE approval ADD CONSTRAINT approval_four_eyes CHECK (checker IS NULL OR checker <> maker);
DROP INDEX approval_open;
CREATE UNIQUE INDEX approval_open ON approval (kind, object_id)
    WHERE state IN ('submitted', 'consumer_ok', 'compliance_ok', 'first_ok');

CREATE TABLE approval_act (
    approval_id uuid REFERENCES approval, number integer, act text NOT NULL, stage text, person text NOT NULL,
    acting_for text, comment text NOT NULL, attachments jsonb NOT NULL, digest text NOT NULL, state text NOT NULL,
    unit_id text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    PRIMARY KEY (approval_id, number), CHECK (acting_for IS NULL OR acting_for <> person)
);
CREATE UNIQUE INDEX approval_act_once ON approval_act (approval_id, person) WHERE act = 'pass';
CREATE UNIQUE INDEX approval_act_once_for ON approval_act (approval_id, acting_for) WHERE act = 'pass';

CREATE TABLE approval_edit (
    kind text, object_id text, person text, recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    PRIMARY KEY (kind, object_id, person)
);

CREATE FUNCTION approval_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'submitted' OR NEW.passed <> 0 OR cardinality(NEW.route) = 0 THEN
            RAISE EXCEPTION 'a request begins as submitted' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.kind, NEW.object_id, NEW.digest, NEW.maker, NEW.route) <>
       (OLD.kind, OLD.object_id, OLD.digest, OLD.maker, OLD.route) THEN
        RAISE EXCEPTION 'what was submitted is frozen' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state IN ('void', 'killed', 'closed', 'expired') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a request that is over stays over' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.state IN ('approved', 'scheduled', 'running', 'paused') AND OLD.state <> NEW.state AND
       (SELECT count(DISTINCT a.person) FROM approval_act a WHERE a.approval_id = NEW.approval_id AND a.act = 'pass'
        AND a.digest = NEW.digest AND a.person <> NEW.maker AND a.acting_for IS DISTINCT FROM NEW.maker)
       < cardinality(NEW.route) THEN
        RAISE EXCEPTION 'consents are missing' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""
# Only after the requests of before were carried over: they had one stage and no acts.
GUARD = (
    "CREATE TRIGGER approval_guard BEFORE INSERT OR UPDATE ON approval FOR EACH ROW EXECUTE FUNCTION approval_guard()"
)

# The consents of before, as acts: they stay approved.
CARRY = """
INSERT INTO approval_act (approval_id, number, act, stage, person, comment, attachments, digest, state, unit_id,
    recorded_at)
SELECT approval_id, 1, 'pass', 'first', checker, reason, '[]', digest, 'approved', '*', coalesce(decided_at, submitted_at)
FROM approval WHERE state = 'approved' AND checker IS NOT NULL;
UPDATE approval SET passed = 1 WHERE state = 'approved';
"""

UNITS = "(SELECT string_to_array(current_setting('bankloop.units', true), ','))::text[]"
IN_SCOPE = f"'*' = ANY ({UNITS}) OR unit_id = ANY ({UNITS})"
KNOWN = "(SELECT coalesce(current_setting('bankloop.principal', true), '')) <> ''"

POLICIES = {
    "approval": IN_SCOPE,
    "approval_act": IN_SCOPE,
    "approval_edit": KNOWN,
    "customer_key": KNOWN,
    "legal_hold": KNOWN,
}
# The vault opens to the program at work, and to a person while the customer is unmasked for them.
PROGRAM = "(SELECT coalesce('*' = ANY (string_to_array(current_setting('bankloop.rights', true), ',')), false))"
UNMASKED = (
    "EXISTS (SELECT FROM unmasking u WHERE u.customer_no = identifier.customer_no AND u.person_id = "
    "(SELECT current_setting('bankloop.principal', true)) AND u.valid_from <= (SELECT bankloop_now()) "
    "AND u.valid_to > (SELECT bankloop_now()))"
)

GRANTS = (
    f"GRANT SELECT, INSERT ON approval_act, audit_check TO {APP}",
    f"GRANT SELECT, INSERT, UPDATE ON approval_edit, customer_key, legal_hold TO {APP}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON identifier TO {APP}, {LOADER}",
    f"GRANT SELECT, INSERT ON customer_key TO {LOADER}",
    f"GRANT SELECT ON audit_check, audit_purge, legal_hold, customer_key, identifier, approval_act, "
    f"approval_edit TO {AUDITOR}",
)


def upgrade() -> None:
    """Deepen approval and audit; add keys and the vault."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for script in (AUDIT, SEALED, OUTBOX, APPROVAL):
        op.execute(script)
    # The owner is bound by the policies too; before they exist it sees every row.
    op.execute(CARRY)
    op.execute(GUARD)
    for table, rule in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} USING ({rule}) WITH CHECK ({rule})")
        op.execute(f"CREATE POLICY audit ON {table} FOR SELECT TO {AUDITOR} USING (true)")
    op.execute("ALTER TABLE identifier ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON identifier FOR SELECT USING ({PROGRAM} OR {UNMASKED})")
    op.execute(f"CREATE POLICY keep ON identifier FOR ALL USING ({PROGRAM}) WITH CHECK ({PROGRAM})")
    op.execute(f"CREATE POLICY audit ON identifier FOR SELECT TO {AUDITOR} USING (true)")
    for grant in GRANTS:
        op.execute(grant)
    op.execute("RESET ROLE")
