"""Thirteenth: what people of the bank ask of each other: referrals to another line, support of a desk behind the front.

A request is seen by who asked, by those whom it goes to, and by the leaders of the unit that asked. Its task with the clock
is a staff task like any other; who may see the request reads that task through the request's own verbs.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

OWNER, APP, AUDITOR = "bankloop_owner", "bankloop_app", "bankloop_auditor"

TABLE = """
CREATE TABLE collaboration (
    request_id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('referral', 'support')), topic text NOT NULL,
    asked_by text NOT NULL, from_unit text NOT NULL, from_line text NOT NULL, desk text NOT NULL, to_unit text NOT NULL,
    to_line text NOT NULL, about_no text NOT NULL, customer_no text NOT NULL, company text NOT NULL,
    need text NOT NULL CHECK (need <> ''), task_id uuid NOT NULL UNIQUE REFERENCES staff_task, made_at timestamptz NOT NULL,
    CHECK (kind <> 'referral' OR from_line <> to_line)
);
CREATE INDEX collaboration_asked ON collaboration (asked_by, made_at);
CREATE INDEX collaboration_from ON collaboration (from_unit, made_at);
CREATE INDEX collaboration_to ON collaboration (desk, to_unit, made_at)
"""


def _setting(name: str) -> str:
    return f"(SELECT coalesce(current_setting('bankloop.{name}', true), ''))"


def _list(name: str) -> str:
    return f"(SELECT string_to_array(current_setting('bankloop.{name}', true), ','))::text[]"


def _may(*acts: str) -> str:
    wanted = ", ".join(["'*'", *(f"'collaboration.{act}'" for act in acts)])
    return (
        f"(SELECT coalesce(string_to_array(current_setting('bankloop.rights', true), ',') && ARRAY[{wanted}], false))"
    )


def _within(column: str) -> str:
    return f"('*' = ANY ({_list('units')}) OR {column} = ANY ({_list('units')}))"


ASKED = f"asked_by = {_setting('principal')}"
# Lines meet at the front: a desk for the whole bank is of no line.
LINE = (
    f"(kind = 'referral' AND {_may('refer', 'watch')} AND ('*' = ANY ({_list('lines')}) OR to_line = ANY ({_list('lines')})) "
    f"AND {_within('to_unit')})"
)
DESK = f"(kind = 'support' AND desk = ANY ({_list('roles')}) AND {_within('to_unit')})"
LEADS = f"({_setting('book')} = '' AND {_setting('tasks')} = '' AND {_within('from_unit')} AND {_may('watch')})"
READ = f"{_may('read')} AND ({ASKED} OR {LINE} OR {DESK} OR {LEADS})"


def upgrade() -> None:
    """Add requests between people."""
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for statement in TABLE.split(";\n"):
        op.execute(statement)
    op.execute("ALTER TABLE collaboration ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope_read ON collaboration FOR SELECT USING ({READ})")
    op.execute(f"CREATE POLICY scope_add ON collaboration FOR INSERT WITH CHECK ({_may('refer', 'ask')} AND {ASKED})")
    # Who passes it on sees it no more afterwards: what it becomes is checked for its right alone.
    op.execute(
        f"CREATE POLICY scope_change ON collaboration FOR UPDATE USING ({_may('pass')} AND {DESK}) "
        f"WITH CHECK ({_may('pass')} AND kind = 'support')"
    )
    op.execute(f"CREATE POLICY audit ON collaboration FOR SELECT TO {AUDITOR} USING (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON collaboration TO {APP}")
    op.execute(f"GRANT SELECT ON collaboration TO {AUDITOR}")
    op.execute("RESET ROLE")
