"""Budgets and stocks of benefits move onto the ledger: what was used of each is opened there, and the old counter goes.

A grant becomes a hold of its piece and of its money, as far as its pool counted them; what a pool counted beyond its
grants is posted as spent. What is left of a pool is filled in when it is next granted from, as its limit is in a lock.
"""

from alembic import op

from bankloop.store.migrations.first.room import OWNER

revision = "0027"
down_revision = "0026"

DROPPED = ("pool_use",)

# The grants and decisions of all units, in the program's own name.
_ALL = (
    "SELECT set_config('bankloop.' || name, value, true) FROM (VALUES ('principal', 'system:migration'), "
    "('units', '*'), ('lines', '*'), ('rights', '*'), ('book', '')) s (name, value)"
)
_NONE = _ALL.replace("value, true", "'', true")
_COLUMN = "ALTER TABLE benefit_grant ADD COLUMN IF NOT EXISTS expires_on date"
_ASSETS = (
    "INSERT INTO ledger_asset (asset, title_zh, title_en, scale) VALUES ('budget', '权益预算', 'benefit budgets', 2), "
    "('stock', '权益库存', 'benefit stock', 0) ON CONFLICT DO NOTHING"
)
# Grants whose contacts were called off before: they give back what they took, as such a grant does from now on.
_CALLED_OFF = """
CREATE TEMPORARY TABLE opening_off ON COMMIT DROP AS
SELECT g.decision_id, g.benefit, g.reserved_fen, d.campaign || ':' || d.round AS budget
FROM benefit_grant g JOIN contact_stop s USING (decision_id) LEFT JOIN decision d USING (decision_id) WHERE g.granted
"""
# Pools that counted something; a benefit without a counter was unlimited, and is counted from now on.
_POOLS = """
CREATE TEMPORARY TABLE opening_pool ON COMMIT DROP AS
SELECT asset, name, format('%s/approved/%s', asset, name) AS source, format('%s/left/%s', asset, name) AS rest,
    format('%s/spent/%s', asset, name) AS spent, used, 0::bigint AS held
FROM (SELECT CASE WHEN starts_with(pool, 'stock:') THEN 'stock' ELSE 'budget' END AS asset,
    regexp_replace(pool, '^(stock|budget):', '') AS name, used - CASE WHEN starts_with(pool, 'stock:')
        THEN (SELECT count(*) FROM opening_off o WHERE 'stock:' || o.benefit = pool)
        ELSE (SELECT coalesce(sum(o.reserved_fen), 0)::bigint FROM opening_off o WHERE 'budget:' || o.budget = pool) END
        AS used FROM pool_use
    UNION ALL SELECT 'stock', g.benefit, count(*) FROM benefit_grant g WHERE g.granted
    AND NOT EXISTS (SELECT FROM opening_off o WHERE o.decision_id = g.decision_id)
    AND NOT EXISTS (SELECT FROM pool_use u WHERE u.pool = 'stock:' || g.benefit) GROUP BY g.benefit) p WHERE used > 0
"""
# The newest grants, as far as the pool counted; whichever were given before it had a limit were not.
_HOLDS = """
CREATE TEMPORARY TABLE opening_hold ON COMMIT DROP AS
SELECT 'grant:' || decision_id AS request,
    row_number() OVER (PARTITION BY decision_id ORDER BY asset)::integer - 1 AS line, asset, rest, spent, amount
FROM (SELECT g.decision_id, p.asset, p.rest, p.spent, w.amount, p.used,
        sum(w.amount) OVER (PARTITION BY p.rest ORDER BY g.recorded_at DESC, g.decision_id DESC) AS so_far
    FROM benefit_grant g LEFT JOIN decision d USING (decision_id) CROSS JOIN LATERAL
        (VALUES ('stock', g.benefit, 1::bigint), ('budget', d.campaign || ':' || d.round, g.reserved_fen))
        w (asset, name, amount)
    JOIN opening_pool p ON p.asset = w.asset AND p.name = w.name WHERE g.granted AND w.amount > 0
    AND NOT EXISTS (SELECT FROM opening_off o WHERE o.decision_id = g.decision_id)) h
WHERE so_far <= used
"""
_SUMMED = (
    "UPDATE opening_pool p SET held = h.held FROM (SELECT rest, sum(amount) AS held FROM opening_hold GROUP BY 1) h "
    "WHERE h.rest = p.rest"
)
_ACCOUNTS = (
    "INSERT INTO ledger_account (account, asset, bounded) SELECT a.account, p.asset, a.bounded FROM opening_pool p "
    "CROSS JOIN LATERAL (VALUES (source, false), (rest, true), (spent, true)) a (account, bounded)"
)
_BALANCES = (
    "INSERT INTO ledger_balance (account, shard, bounded, debits, credits, held_out, held_in) "
    "SELECT a.account, 0, a.bounded, a.d, a.c, a.o, a.i FROM opening_pool p CROSS JOIN LATERAL (VALUES "
    "(source, false, used, 0, 0, 0), (rest, true, used - held, used, held, 0), (spent, true, 0, used - held, 0, held)) "
    "a (account, bounded, d, c, o, i)"
)
_POSTS = """
CREATE TEMPORARY TABLE opening_post ON COMMIT DROP AS
SELECT format('opening:%s', w.debit) AS request, asset, w.debit, w.credit, w.amount FROM opening_pool
CROSS JOIN LATERAL (VALUES (source, rest, used), (rest, spent, used - held)) w (debit, credit, amount)
WHERE w.amount > 0
"""
_ASKED_POSTS = (
    "INSERT INTO ledger_request (request, asked, made_by) SELECT request, jsonb_build_array(jsonb_build_object("
    "'kind', 'post', 'debit', debit, 'credit', credit, 'amount', amount, 'reason', 'opening')), 'system:migration' "
    "FROM opening_post"
)
_ASKED_HOLDS = (
    "INSERT INTO ledger_request (request, asked, made_by) SELECT request, jsonb_agg(jsonb_build_object("
    "'kind', 'hold', 'debit', rest, 'credit', spent, 'amount', amount, 'reason', 'opening', 'expires_at', null) "
    "ORDER BY line), 'system:migration' FROM opening_hold GROUP BY request"
)
_ENTRIES = (
    "INSERT INTO ledger_entry (request, line, kind, asset, debit, debit_shard, credit, credit_shard, amount, reason) "
    "SELECT request, 0, 'post', asset, debit, 0, credit, 0, amount, 'opening' FROM opening_post "
    "UNION ALL SELECT request, line, 'hold', asset, rest, 0, spent, 0, amount, 'opening' FROM opening_hold"
)
_OPEN = (
    "INSERT INTO ledger_hold (request, line, debit, debit_shard, credit, credit_shard, amount) "
    "SELECT request, line, rest, 0, spent, 0, amount FROM opening_hold"
)
_MOVE = (
    _ASSETS,
    _CALLED_OFF,
    _POOLS,
    _HOLDS,
    _SUMMED,
    _ACCOUNTS,
    _BALANCES,
    _POSTS,
    _ASKED_POSTS,
    _ASKED_HOLDS,
    _ENTRIES,
    _OPEN,
    "DROP TABLE opening_off, opening_pool, opening_hold, opening_post",
    "DROP TABLE pool_use",
)


def upgrade() -> None:
    """Open the pools and the grants on the ledger and drop their counter; where it is gone, nothing is posted."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_COLUMN)
    op.execute(_ALL)
    if op.get_bind().exec_driver_sql("SELECT to_regclass('public.pool_use')").scalar() is not None:
        for statement in _MOVE:
            op.execute(statement)
    op.execute(_NONE)
    op.execute("RESET ROLE")
