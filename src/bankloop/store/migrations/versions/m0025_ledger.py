"""One ledger of double entry: assets, accounts, requests, entries that stay, balances, holds that are open.

``ledger_post`` is one round trip: it burns the request's id, locks the balances in one order, does all lines or none.
An account that many use at once is spread over shards; who finds too little in one gathers from the others.
"""

from alembic import op

from bankloop.store.migrations.first.conditions import PRINCIPAL, WHOLE_BANK, may, own_customer
from bankloop.store.migrations.first.room import APP, APPEND, KEEP, OWNER, Access, scopes, secure_table

revision = "0025"
down_revision = "0024"

ROOM_OF = dict.fromkeys(
    (
        "ledger_asset",
        "ledger_account",
        "ledger_balance",
        "ledger_request",
        "ledger_refusal",
        "ledger_entry",
        "ledger_hold",
    ),
    "ledger",
)

_TABLES = """
CREATE TABLE ledger_asset (
    asset text PRIMARY KEY CHECK (asset <> ''), title_zh text NOT NULL, title_en text NOT NULL,
    scale integer NOT NULL CHECK (scale BETWEEN 0 AND 6), made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE ledger_account (
    account text PRIMARY KEY CHECK (account <> ''), asset text NOT NULL REFERENCES ledger_asset, customer_no text,
    bounded boolean NOT NULL, shards integer NOT NULL DEFAULT 1 CHECK (shards BETWEEN 1 AND 64),
    made_at timestamptz NOT NULL DEFAULT bankloop_now(), closed_at timestamptz
);
CREATE INDEX ledger_account_customer ON ledger_account (customer_no) WHERE customer_no IS NOT NULL;
CREATE INDEX ledger_account_asset ON ledger_account (asset);

CREATE TABLE ledger_balance (
    account text NOT NULL REFERENCES ledger_account, shard integer NOT NULL, bounded boolean NOT NULL,
    debits bigint NOT NULL DEFAULT 0 CHECK (debits >= 0), credits bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
    held_out bigint NOT NULL DEFAULT 0 CHECK (held_out >= 0), held_in bigint NOT NULL DEFAULT 0 CHECK (held_in >= 0),
    PRIMARY KEY (account, shard),
    CONSTRAINT ledger_balance_bounded CHECK (NOT bounded OR credits - debits - held_out >= 0)
) WITH (fillfactor = 70);

CREATE TABLE ledger_request (
    request text PRIMARY KEY CHECK (request <> ''), asked jsonb NOT NULL,
    made_by text NOT NULL, made_at timestamptz NOT NULL DEFAULT bankloop_now()
);

CREATE TABLE ledger_refusal (
    request text PRIMARY KEY REFERENCES ledger_request, reason text NOT NULL CHECK (reason <> ''), line integer NOT NULL
);

CREATE TABLE ledger_entry (
    entry_id bigint GENERATED ALWAYS AS IDENTITY, request text NOT NULL, line integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('post', 'hold', 'take', 'release', 'expire', 'reverse')),
    asset text NOT NULL, debit text NOT NULL, debit_shard integer NOT NULL, credit text NOT NULL,
    credit_shard integer NOT NULL, amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    of_request text, of_line integer, reason text NOT NULL, expires_at timestamptz,
    recorded_at timestamptz NOT NULL DEFAULT bankloop_now(),
    CHECK ((kind IN ('post', 'hold')) = (of_request IS NULL)), CHECK (debit <> credit),
    PRIMARY KEY (request, line, kind)
);
CREATE UNIQUE INDEX ledger_entry_resolved ON ledger_entry (of_request, of_line)
    WHERE kind IN ('take', 'release', 'expire');
CREATE UNIQUE INDEX ledger_entry_reversed ON ledger_entry (of_request, of_line) WHERE kind = 'reverse';
CREATE INDEX ledger_entry_debit ON ledger_entry (debit, entry_id);
CREATE INDEX ledger_entry_credit ON ledger_entry (credit, entry_id);

CREATE TABLE ledger_hold (
    request text NOT NULL, line integer NOT NULL, debit text NOT NULL, debit_shard integer NOT NULL,
    credit text NOT NULL, credit_shard integer NOT NULL, amount bigint NOT NULL CHECK (amount > 0),
    expires_at timestamptz, PRIMARY KEY (request, line), FOREIGN KEY (request) REFERENCES ledger_request
);
CREATE INDEX ledger_hold_due ON ledger_hold (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX ledger_hold_of ON ledger_hold (debit)
"""

# Who posts works for the whole bank; a customer's wallet is also seen by whoever keeps the customer.
_RIGHTS = ("ledger.post", "points.adjust", "points.spend", "points.give_back", "points.take_back")
_WRITES = f"{WHOLE_BANK} AND {may(*_RIGHTS)}"
# LG001 is a refusal with the number of the line behind a colon; LG002 asks for all shards to be looked at.
_REFUSE = """
CREATE FUNCTION public.ledger_refuse(reason text, line integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%:%', reason, line USING ERRCODE = 'LG001';
END $$
"""

# Every change of a balance: by how much what was posted and what is held moves, on either side.
_MOVE = """
CREATE FUNCTION public.ledger_move(which text, of_shard integer, d bigint, c bigint, o bigint, i bigint, line integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.ledger_balance
        SET debits = debits + d, credits = credits + c, held_out = held_out + o, held_in = held_in + i
        WHERE account = which AND shard = of_shard;
    IF NOT FOUND THEN PERFORM public.ledger_refuse('unknown_account', line); END IF;
END $$
"""

# What a hold leaves when it ends without being taken: nothing, in a row of its own.
_END_HOLD = """
CREATE FUNCTION public.ledger_end_hold(h public.ledger_hold, how text, why text, by_request text, by_line integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.ledger_move(h.debit, h.debit_shard, 0, 0, -h.amount, 0, by_line);
    PERFORM public.ledger_move(h.credit, h.credit_shard, 0, 0, 0, -h.amount, by_line);
    INSERT INTO public.ledger_entry (request, line, kind, asset, debit, debit_shard, credit, credit_shard, amount,
        of_request, of_line, reason)
    SELECT by_request, by_line, how, a.asset, h.debit, h.debit_shard, h.credit, h.credit_shard, h.amount,
        h.request, h.line, why FROM public.ledger_account a WHERE a.account = h.debit;
END $$
"""

# Brings what all shards have into the one that is drawn on, as far as it is missing there.
_GATHER = """
CREATE FUNCTION public.ledger_gather(which text, into_shard integer, wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE missing bigint; other record; part bigint; due public.ledger_hold;
BEGIN
    FOR due IN DELETE FROM public.ledger_hold
        WHERE debit = which AND expires_at <= public.bankloop_now() RETURNING * LOOP
        PERFORM public.ledger_end_hold(due, 'expire', 'expired', due.request, due.line);
    END LOOP;
    SELECT wanted - (credits - debits - held_out) INTO missing
        FROM public.ledger_balance WHERE account = which AND shard = into_shard;
    FOR other IN SELECT shard, credits - debits - held_out AS free FROM public.ledger_balance
        WHERE account = which AND shard <> into_shard ORDER BY shard LOOP
        EXIT WHEN missing <= 0;
        part := least(other.free, missing);
        CONTINUE WHEN part <= 0;
        PERFORM public.ledger_move(which, other.shard, 0, -part, 0, 0, 0);
        PERFORM public.ledger_move(which, into_shard, 0, part, 0, 0, 0);
        missing := missing - part;
    END LOOP;
END $$
"""

# Names each line's accounts and shards, all of them there, open, of one asset; a line that ends another finds it.
_RESOLVE = """
CREATE FUNCTION public.ledger_resolve(asked jsonb) RETURNS public.ledger_entry[] LANGUAGE plpgsql AS $$
DECLARE
    e public.ledger_entry; o public.ledger_entry; resolved public.ledger_entry[] := '{}'; one jsonb; i integer := 0;
    d public.ledger_account; c public.ledger_account;
BEGIN
    FOR one IN SELECT * FROM jsonb_array_elements(asked) LOOP
        e := NULL;
        e.line := i; e.kind := one->>'kind'; e.reason := coalesce(one->>'reason', '');
        e.amount := (one->>'amount')::bigint; e.expires_at := (one->>'expires_at')::timestamptz;
        e.of_request := one->>'of_request'; e.of_line := (one->>'of_line')::integer;
        e.debit := one->>'debit'; e.credit := one->>'credit';
        IF e.kind NOT IN ('post', 'hold') THEN
            SELECT * INTO o FROM public.ledger_entry x WHERE x.request = e.of_request AND x.line = e.of_line
                AND x.kind = ANY (CASE e.kind WHEN 'reverse' THEN '{post,take}'::text[] ELSE '{hold}' END);
            IF NOT FOUND THEN PERFORM public.ledger_refuse('unknown_entry', i); END IF;
            e.amount := coalesce(e.amount, o.amount);
            IF e.kind = 'reverse' THEN
                e.debit := o.credit; e.credit := o.debit;
            ELSE
                e.debit := o.debit; e.credit := o.credit;
                e.debit_shard := o.debit_shard; e.credit_shard := o.credit_shard;
            END IF;
            IF e.amount > o.amount OR (e.kind <> 'take' AND e.amount <> o.amount) THEN
                PERFORM public.ledger_refuse('more_than_held', i);
            END IF;
        END IF;
        SELECT * INTO d FROM public.ledger_account WHERE account = e.debit;
        IF NOT FOUND THEN PERFORM public.ledger_refuse('unknown_account', i); END IF;
        SELECT * INTO c FROM public.ledger_account WHERE account = e.credit;
        IF NOT FOUND THEN PERFORM public.ledger_refuse('unknown_account', i); END IF;
        IF d.asset <> c.asset THEN PERFORM public.ledger_refuse('other_asset', i); END IF;
        IF e.kind IN ('post', 'hold') AND (d.closed_at IS NOT NULL OR c.closed_at IS NOT NULL) THEN
            PERFORM public.ledger_refuse('closed', i);
        END IF;
        e.asset := d.asset;
        e.debit_shard := coalesce(e.debit_shard, floor(random() * d.shards)::integer);
        e.credit_shard := coalesce(e.credit_shard, floor(random() * c.shards)::integer);
        resolved := resolved || e;
        i := i + 1;
    END LOOP;
    RETURN resolved;
END $$
"""

_APPLY = """
CREATE FUNCTION public.ledger_apply(p_request text, asked jsonb, whole boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE e public.ledger_entry; lines public.ledger_entry[]; h public.ledger_hold; free bigint; k record;
BEGIN
    lines := public.ledger_resolve(asked);
    FOR k IN SELECT l.debit AS a, l.debit_shard AS n FROM unnest(lines) l
        UNION SELECT l.credit, l.credit_shard FROM unnest(lines) l
        UNION SELECT b.account, b.shard FROM public.ledger_balance b WHERE whole AND b.account IN (
            SELECT l.debit FROM unnest(lines) l UNION SELECT l.credit FROM unnest(lines) l
            UNION SELECT x.credit FROM public.ledger_hold x JOIN unnest(lines) l USING (debit)
            WHERE x.expires_at <= public.bankloop_now())
        ORDER BY 1, 2 LOOP
        PERFORM 1 FROM public.ledger_balance WHERE account = k.a AND shard = k.n FOR UPDATE;
    END LOOP;
    FOREACH e IN ARRAY lines LOOP
        IF e.kind IN ('take', 'release') THEN
            DELETE FROM public.ledger_hold WHERE request = e.of_request AND line = e.of_line RETURNING * INTO h;
            IF NOT FOUND THEN PERFORM public.ledger_refuse('resolved', e.line); END IF;
            IF e.kind = 'release' THEN
                PERFORM public.ledger_end_hold(h, 'release', e.reason, p_request, e.line);
                CONTINUE;
            END IF;
            IF h.expires_at <= public.bankloop_now() THEN PERFORM public.ledger_refuse('expired', e.line); END IF;
            PERFORM public.ledger_move(e.debit, e.debit_shard, e.amount, 0, -h.amount, 0, e.line);
            PERFORM public.ledger_move(e.credit, e.credit_shard, 0, e.amount, 0, -h.amount, e.line);
        ELSE
            IF e.kind = 'reverse' AND EXISTS (SELECT FROM public.ledger_entry x WHERE x.of_request = e.of_request
                AND x.of_line = e.of_line AND x.kind = 'reverse') THEN
                PERFORM public.ledger_refuse('reversed', e.line);
            END IF;
            SELECT CASE WHEN bounded THEN credits - debits - held_out ELSE e.amount END INTO free
                FROM public.ledger_balance WHERE account = e.debit AND shard = e.debit_shard;
            IF free < e.amount THEN
                IF NOT whole THEN RAISE EXCEPTION 'gather' USING ERRCODE = 'LG002'; END IF;
                PERFORM public.ledger_gather(e.debit, e.debit_shard, e.amount);
                SELECT credits - debits - held_out INTO free
                    FROM public.ledger_balance WHERE account = e.debit AND shard = e.debit_shard;
                IF free < e.amount THEN PERFORM public.ledger_refuse('short', e.line); END IF;
            END IF;
            IF e.kind = 'hold' THEN
                PERFORM public.ledger_move(e.debit, e.debit_shard, 0, 0, e.amount, 0, e.line);
                PERFORM public.ledger_move(e.credit, e.credit_shard, 0, 0, 0, e.amount, e.line);
                INSERT INTO public.ledger_hold VALUES
                    (p_request, e.line, e.debit, e.debit_shard, e.credit, e.credit_shard, e.amount, e.expires_at);
            ELSE
                PERFORM public.ledger_move(e.debit, e.debit_shard, e.amount, 0, 0, 0, e.line);
                PERFORM public.ledger_move(e.credit, e.credit_shard, 0, e.amount, 0, 0, e.line);
            END IF;
        END IF;
        INSERT INTO public.ledger_entry (request, line, kind, asset, debit, debit_shard, credit, credit_shard, amount,
            of_request, of_line, reason, expires_at)
        VALUES (p_request, e.line, e.kind, e.asset, e.debit, e.debit_shard, e.credit, e.credit_shard, e.amount,
            e.of_request, e.of_line, e.reason, e.expires_at);
    END LOOP;
END $$
"""

# One amount from one account to another, which is most of what is asked for: the two balances are changed in the order
# in which all lock them, and the check of a bounded one is the change itself.
_POST_ONE = """
CREATE FUNCTION public.ledger_post_one(p_request text, one jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d text := one->>'debit'; c text := one->>'credit'; amt bigint := (one->>'amount')::bigint;
    a record; side integer := CASE WHEN d < c THEN 0 ELSE 1 END;
BEGIN
    SELECT x.asset, x.asset = y.asset AS alike, x.closed_at IS NULL AND y.closed_at IS NULL AS both_open,
        floor(random() * x.shards)::integer AS ds, floor(random() * y.shards)::integer AS cs
        INTO a FROM public.ledger_account x, public.ledger_account y WHERE x.account = d AND y.account = c;
    IF NOT FOUND THEN PERFORM public.ledger_refuse('unknown_account', 0); END IF;
    IF NOT a.alike THEN PERFORM public.ledger_refuse('other_asset', 0); END IF;
    IF NOT a.both_open THEN PERFORM public.ledger_refuse('closed', 0); END IF;
    FOR turn IN 0..1 LOOP
        IF turn = side THEN
            UPDATE public.ledger_balance SET debits = debits + amt WHERE account = d AND shard = a.ds
                AND (NOT bounded OR credits - debits - held_out >= amt);
            IF NOT FOUND THEN RAISE EXCEPTION 'gather' USING ERRCODE = 'LG002'; END IF;
        ELSE
            UPDATE public.ledger_balance SET credits = credits + amt WHERE account = c AND shard = a.cs;
            IF NOT FOUND THEN PERFORM public.ledger_refuse('unknown_account', 0); END IF;
        END IF;
    END LOOP;
    INSERT INTO public.ledger_entry
        (request, line, kind, asset, debit, debit_shard, credit, credit_shard, amount, reason)
    VALUES (p_request, 0, 'post', a.asset, d, a.ds, c, a.cs, amt, coalesce(one->>'reason', ''));
END $$
"""

# It runs as the tables' owner, whose own policy on them is plain, with every name said in full: whether the principal
# may post is asked once, and not again by each statement. '' when it is done, 'again' when it was done before, 'other'
# where the id stands for something else, or what it was refused for, also later: a refused request's id is used up.
_POST = """
CREATE FUNCTION public.ledger_post(p_request text, p_asked jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE known jsonb; outcome text := ''; gather boolean := false;
BEGIN
    IF NOT coalesce(current_setting('bankloop.units', true) = '*' AND current_setting('bankloop.lines', true) = '*'
        AND coalesce(current_setting('bankloop.book', true), '') = ''
        AND string_to_array(current_setting('bankloop.rights', true), ',') && '{rights}'::text[], false) THEN
        RAISE EXCEPTION 'may not post' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.ledger_request (request, asked, made_by)
        VALUES (p_request, p_asked, current_setting('bankloop.principal', true)) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT r.asked, f.reason || ':' || f.line INTO known, outcome
            FROM public.ledger_request r LEFT JOIN public.ledger_refusal f USING (request) WHERE r.request = p_request;
        RETURN CASE WHEN known IS DISTINCT FROM p_asked THEN 'other:0' ELSE coalesce(outcome, 'again:0') END;
    END IF;
    LOOP
        BEGIN
            IF NOT gather AND jsonb_array_length(p_asked) = 1 AND p_asked->0->>'kind' = 'post' THEN
                PERFORM public.ledger_post_one(p_request, p_asked->0);
            ELSE
                PERFORM public.ledger_apply(p_request, p_asked, gather);
            END IF;
            RETURN '';
        EXCEPTION
            WHEN SQLSTATE 'LG002' THEN gather := true;
            WHEN SQLSTATE 'LG001' THEN outcome := SQLERRM;
            WHEN unique_violation THEN outcome := 'reversed:0';
            WHEN numeric_value_out_of_range THEN outcome := 'too_large:0';
        END;
        EXIT WHEN outcome <> '';
    END LOOP;
    INSERT INTO public.ledger_refusal
        VALUES (p_request, split_part(outcome, ':', 1), split_part(outcome, ':', 2)::integer);
    RETURN outcome;
END $$
"""

_POST_BY = _POST.replace("{rights}", f"{{*,{','.join(_RIGHTS)}}}")
_READS = f"({WHOLE_BANK} AND {may('ledger.read')})"
_OWN = f"(customer_no IS NOT NULL AND {may('points.read')} AND {own_customer('ledger_account')})"


def _seen(*columns: str) -> str:
    named = " OR ".join(f"a.account = {column}" for column in columns)
    return f"(SELECT true FROM ledger_account a WHERE {named} LIMIT 1)"


_ENTRY = _seen("ledger_entry.debit", "ledger_entry.credit")
_ASKED = f"({_READS} OR {_WRITES} OR made_by = {PRINCIPAL})"
_FOLLOWS = "(SELECT true FROM ledger_request r WHERE r.request = ledger_refusal.request LIMIT 1)"
ACCESS = {
    "ledger_asset": Access(APPEND),
    "ledger_account": Access(KEEP, scopes(f"{_READS} OR {_WRITES} OR {_OWN}", _WRITES, _WRITES)),
    "ledger_balance": Access(KEEP, scopes(_seen("ledger_balance.account"), _WRITES, _WRITES)),
    "ledger_request": Access(APPEND, scopes(_ASKED, _WRITES)),
    "ledger_refusal": Access(APPEND, scopes(_FOLLOWS, _WRITES)),
    "ledger_entry": Access(APPEND, scopes(_ENTRY, _WRITES)),
    "ledger_hold": Access(
        f"{APPEND}, DELETE",
        {
            **scopes(_seen("ledger_hold.debit", "ledger_hold.credit"), _WRITES),
            "scope_remove": f"FOR DELETE USING ({_WRITES})",
        },
    ),
}


def upgrade() -> None:
    """Make the ledger's tables, its functions and the policies of each table."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.execute(_TABLES)
    for function in (_REFUSE, _MOVE, _END_HOLD, _GATHER, _RESOLVE, _APPLY, _POST_ONE, _POST_BY):
        op.execute(function)
    op.execute("REVOKE EXECUTE ON FUNCTION ledger_post(text, jsonb) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ledger_post(text, jsonb) TO {APP}")
    for table, access in ACCESS.items():
        secure_table(table, access)
        if access.policies is not None:
            op.execute(f"CREATE POLICY posting ON {table} TO {OWNER} USING (true) WITH CHECK (true)")
    op.execute("RESET ROLE")
