"""Requests for approval and the acts on them.

The guard on ``approval`` is the last line: whatever the program does, a request reaches no live state without as many
different people's consents to exactly its digest as its route has stages, and what is over stays over.
"""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import IN_SCOPE, KNOWN, holds
from bankloop.store.migrations.first.room import APPEND, KEEP, Access, scope

TABLES = """
CREATE TABLE approval (
    approval_id uuid PRIMARY KEY, kind text NOT NULL, object_id text NOT NULL, digest text NOT NULL,
    maker text NOT NULL, checker text, state text NOT NULL, reason text NOT NULL,
    submitted_at timestamptz NOT NULL DEFAULT bankloop_now(), decided_at timestamptz,
    unit_id text NOT NULL DEFAULT '*', lane text NOT NULL DEFAULT 'agile', emergency boolean NOT NULL DEFAULT false,
    demand jsonb NOT NULL DEFAULT '{}', effect jsonb NOT NULL DEFAULT '{}', route text[] NOT NULL DEFAULT '{first}',
    passed integer NOT NULL DEFAULT 0, base_digest text, content jsonb, starts_on date, expires_at timestamptz,
    CONSTRAINT approval_state CHECK (state IN ('draft', 'submitted', 'consumer_ok', 'compliance_ok', 'first_ok',
        'approved', 'scheduled', 'running', 'paused', 'closed', 'killed', 'expired', 'void')),
    CONSTRAINT approval_four_eyes CHECK (checker IS NULL OR checker <> maker)
);
CREATE INDEX approval_object ON approval (kind, object_id, submitted_at);
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
"""

_GUARD = """
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
_GUARDED = (
    "CREATE TRIGGER approval_guard BEFORE INSERT OR UPDATE ON approval FOR EACH ROW EXECUTE FUNCTION approval_guard()"
)
GUARDS = (_GUARD, _GUARDED)

# Security administrators have no units of customers: they see and decide what is asked about grants, and nothing else.
_SECURITY = holds("roles", "security_admin")
_REQUESTS = f"{IN_SCOPE} OR (kind = 'grant' AND {_SECURITY})"
_ACTS = (
    f"{IN_SCOPE} OR ({_SECURITY} AND EXISTS (SELECT FROM approval a "
    "WHERE a.approval_id = approval_act.approval_id AND a.kind = 'grant'))"
)

ACCESS = {
    "approval": Access(KEEP, scope(_REQUESTS)),
    "approval_act": Access(APPEND, scope(_ACTS)),
    "approval_edit": Access(KEEP, scope(KNOWN)),
}
