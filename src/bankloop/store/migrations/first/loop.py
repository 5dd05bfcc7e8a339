"""The loop's tables: contacts with their caps, budgets and stocks, campaigns with their locks, plans, models, readings."""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import (
    KNOWN,
    SURELY_WHOLE_BANK,
    WHOLE_BANK,
    WRITES_FOR,
    may,
    own_customer,
)
from bankloop.store.migrations.first.room import APPEND, KEEP, Access, Room, scope, scopes

_CONTACTS = """
CREATE TABLE contact_customer (customer_no text PRIMARY KEY);

CREATE TABLE contact (
    decision_id uuid PRIMARY KEY, customer_no text NOT NULL, unit_id text NOT NULL, channel text NOT NULL,
    campaign text NOT NULL, contact_class text NOT NULL CHECK (contact_class IN ('marketing', 'service')),
    due_at timestamptz NOT NULL, due_day date NOT NULL, accepted boolean NOT NULL, refused_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);
CREATE INDEX contact_customer_day ON contact (customer_no, due_day);

CREATE TABLE contact_stop (
    decision_id uuid PRIMARY KEY, customer_no text NOT NULL, unit_id text NOT NULL, campaign text NOT NULL,
    reason text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE capacity_use (
    channel text, unit_id text, day date, used bigint NOT NULL CHECK (used >= 0), PRIMARY KEY (channel, unit_id, day)
);

CREATE TABLE pool_use (pool text PRIMARY KEY, used bigint NOT NULL CHECK (used >= 0));

CREATE TABLE benefit_grant (
    decision_id uuid PRIMARY KEY, customer_no text NOT NULL, unit_id text NOT NULL, benefit text NOT NULL,
    reserved_fen bigint NOT NULL CHECK (reserved_fen >= 0), granted boolean NOT NULL, refused_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);
"""

_ROUNDS = """
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

CREATE TABLE shelf_notice (
    approval_id uuid PRIMARY KEY, product text NOT NULL, change jsonb NOT NULL, effective_at timestamptz NOT NULL,
    made_by text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE product_review (
    review_id uuid PRIMARY KEY, product text NOT NULL, trigger text NOT NULL, measured_ppm bigint NOT NULL,
    limit_ppm bigint NOT NULL, opened_at timestamptz NOT NULL DEFAULT bankloop_now(), closed_at timestamptz,
    closed_by text, outcome text
);
CREATE UNIQUE INDEX product_review_open ON product_review (product, trigger) WHERE closed_at IS NULL;
"""


def _about_customer(table: str, read: str, add: str) -> dict[str, str]:
    return scopes(f"{may(read)} AND ({WHOLE_BANK} OR {own_customer(table)})", f"{WRITES_FOR} AND {may(add)}")


def _bank(right: str) -> str:
    return f"{SURELY_WHOLE_BANK} AND {may(right)}"


_STOPS = f"{may('contact.read')} AND ({SURELY_WHOLE_BANK} OR {own_customer('contact_stop')})"

LOOP = Room(
    "loop",
    _CONTACTS + _ROUNDS,
    {
        "contact_customer": Access(KEEP, scope(KNOWN)),
        "contact": Access(APPEND, _about_customer("contact", "contact.read", "contact.reserve")),
        "contact_stop": Access(APPEND, scopes(_STOPS, _bank("contact.reserve"))),
        "capacity_use": Access(KEEP),
        "pool_use": Access(KEEP),
        "benefit_grant": Access(APPEND, _about_customer("benefit_grant", "decision.read", "contact.reserve")),
        "campaign": Access(KEEP),
        "campaign_step": Access(KEEP),
        "spec_lock": Access(APPEND),
        "plan": Access(APPEND),
        "model_version": Access(KEEP),
        "audience_snapshot": Access(APPEND),
        "result": Access(APPEND),
        "shelf_notice": Access(APPEND, scopes(may("product.read"), _bank("product.submit"))),
        "product_review": Access(KEEP, scopes(may("product.read"), _bank("product.review"), _bank("product.conclude"))),
    },
)
