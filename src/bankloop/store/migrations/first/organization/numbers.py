"""Leading by numbers: daily reports, targets split down the tree, what branches narrow, credit for what was sold."""

from __future__ import annotations

from bankloop.store.migrations.first.conditions import IN_SCOPE, NO_BOOK, PRINCIPAL, listed, may, within
from bankloop.store.migrations.first.room import APPEND, KEEP, Access, scopes

TABLES = """
CREATE TABLE daily_report (
    day date NOT NULL, unit_id text NOT NULL, figures jsonb NOT NULL, made_at timestamptz NOT NULL,
    PRIMARY KEY (day, unit_id)
);

CREATE TABLE daily_delivery (
    day date NOT NULL, unit_id text NOT NULL, person text NOT NULL, delivered_at timestamptz NOT NULL,
    PRIMARY KEY (day, unit_id, person), FOREIGN KEY (day, unit_id) REFERENCES daily_report
);

CREATE TABLE target (
    target_id uuid PRIMARY KEY, name text NOT NULL CHECK (name <> ''), measure text NOT NULL,
    first date NOT NULL, last date NOT NULL, total bigint NOT NULL CHECK (total >= 0), made_by text NOT NULL,
    made_at timestamptz NOT NULL, ended_at timestamptz, CHECK (first <= last)
);

CREATE TABLE target_part (
    target_id uuid NOT NULL REFERENCES target, holder text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('unit', 'staff')), parent text, weight text NOT NULL, capacity bigint,
    amount bigint NOT NULL CHECK (amount >= 0), set_by text NOT NULL, set_at timestamptz NOT NULL,
    PRIMARY KEY (target_id, holder), CHECK (capacity IS NULL OR amount <= capacity)
);
CREATE INDEX target_part_parent ON target_part (target_id, parent);

CREATE TABLE narrowing (
    narrowing_id uuid PRIMARY KEY, unit_id text NOT NULL, campaign text NOT NULL, condition text NOT NULL,
    per_week integer CHECK (per_week >= 0), reason text NOT NULL, made_by text NOT NULL, made_at timestamptz NOT NULL,
    ended_at timestamptz, withheld text[] NOT NULL DEFAULT '{}',
    CONSTRAINT narrowing_says CHECK (condition <> '' OR per_week IS NOT NULL OR withheld <> '{}')
);
CREATE UNIQUE INDEX narrowing_open ON narrowing (unit_id, campaign) WHERE ended_at IS NULL;

CREATE TABLE credit_deal (
    deal_id uuid PRIMARY KEY, source_key text NOT NULL UNIQUE CHECK (source_key <> ''), customer_no text NOT NULL,
    unit_id text NOT NULL, what text NOT NULL, amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
    happened_on date NOT NULL, task_id uuid,
    credited_ppm integer NOT NULL DEFAULT 0 CHECK (credited_ppm BETWEEN 0 AND 1000000),
    made_by text NOT NULL, made_at timestamptz NOT NULL
);
CREATE INDEX credit_deal_day ON credit_deal (happened_on);

CREATE TABLE credit_share (
    deal_id uuid NOT NULL REFERENCES credit_deal, staff_id text NOT NULL, line text NOT NULL,
    share_ppm integer NOT NULL CHECK (share_ppm > 0), unit_id text NOT NULL, task_id uuid,
    PRIMARY KEY (deal_id, staff_id)
);
CREATE INDEX credit_share_staff ON credit_share (staff_id);
"""

# When a transaction ends, what stands below a holder is nothing at all, or exactly the holder's amount.
_SUMS = """
CREATE FUNCTION target_sums() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE which uuid := coalesce(NEW.target_id, OLD.target_id);
BEGIN
    IF EXISTS (SELECT FROM target_part c LEFT JOIN target_part p ON p.target_id = c.target_id AND p.holder = c.parent
        WHERE c.target_id = which AND c.parent IN (NEW.parent, OLD.parent, NEW.holder, OLD.holder)
        GROUP BY c.parent, p.amount HAVING sum(c.amount) IS DISTINCT FROM p.amount) THEN
        RAISE EXCEPTION 'parts of target % do not sum to what they split', which USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
_SUMMED = """
CREATE CONSTRAINT TRIGGER target_part_sums AFTER INSERT OR UPDATE OR DELETE ON target_part
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION target_sums()
"""
# The deal's own row keeps how much is given; whoever gives a share changes that row, so that two who give at once wait
# for each other, and a check holds the sum.
_COUNTS = """
CREATE FUNCTION credit_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE credit_deal SET credited_ppm = credited_ppm + NEW.share_ppm WHERE deal_id = NEW.deal_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the deal % is not there to be shared', NEW.deal_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
_COUNTED = (
    "CREATE TRIGGER credit_share_counted AFTER INSERT ON credit_share FOR EACH ROW EXECUTE FUNCTION credit_counted()"
)
GUARDS = (_SUMS, _SUMMED, _COUNTS, _COUNTED)

_BANK = f"('*' = ANY ({listed('units')}))"
# A part is seen by the units above its holder and, where the holder is a person, by that person.
_PART = f"({within('holder')} OR (kind = 'staff' AND (holder = {PRINCIPAL} OR ({within('parent')} AND {NO_BOOK}))))"
_SPLITS = f"{may('target.set', 'target.split')} AND {within('parent')}"
_OWN_BOOK = "(SELECT coalesce(current_setting('bankloop.book', true), '') <> '')"
_LED = f"({IN_SCOPE} AND NOT {_OWN_BOOK})"
_SHARED = "(SELECT true FROM credit_share s WHERE s.deal_id = credit_deal.deal_id LIMIT 1)"


def _here(*rights: str) -> str:
    return f"{may(*rights)} AND {IN_SCOPE}"


ACCESS = {
    "daily_report": Access(APPEND, scopes(_here("daily.read"), _here("daily.make"))),
    "daily_delivery": Access(APPEND, scopes(_here("daily.read"), _here("daily.deliver"))),
    "target": Access(
        KEEP,
        {
            **scopes(may("target.read"), f"{may('target.set')} AND {_BANK}"),
            "scope_change": f"FOR UPDATE USING ({may('target.end')} AND {_BANK})",
        },
    ),
    "target_part": Access(
        f"{APPEND}, DELETE",
        {
            **scopes(f"{may('target.read')} AND {_PART}", _SPLITS),
            "scope_remove": f"FOR DELETE USING ({_SPLITS})",
        },
    ),
    "narrowing": Access(
        KEEP,
        {
            **scopes(_here("narrowing.read"), _here("narrowing.set")),
            "scope_change": f"FOR UPDATE USING ({_here('narrowing.set', 'narrowing.end')})",
        },
    ),
    "credit_deal": Access(
        KEEP,
        {
            **scopes(f"{may('credit.read')} AND ({_LED} OR {_SHARED})", _here("credit.record")),
            "scope_change": f"FOR UPDATE USING ({_here('credit.record')})",
        },
    ),
    "credit_share": Access(
        APPEND,
        scopes(f"{may('credit.read')} AND (staff_id = {PRINCIPAL} OR {_LED})", may("credit.record")),
    ),
}
