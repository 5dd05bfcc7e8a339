"""Rights that are not one's own: other branches, other roles, the database itself."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bankloop.bench.attacks.target import BASE, AttackTarget, attack, held, key
from bankloop.kit.errors import BankloopError
from bankloop.organization.principals import system
from bankloop.store.contracts import Principal, Role

_FOREIGN = text(
    "SELECT customer_no FROM customer_book WHERE valid_to IS NULL AND unit_id <> (SELECT unit_id FROM staff_post "
    "WHERE staff_id = :who AND valid_to IS NULL LIMIT 1) ORDER BY 1 LIMIT 1"
)
_BARE = text(
    "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attname = 'customer_no' "
    "AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
)
_APPENDED = (
    ("event", "type"),
    ("decision", "cell"),
    ("contact", "channel"),
    ("audit", "verb"),
    ("event_key", "source"),
)


def _refused(target: AttackTarget, role: Role, statement: str, who: Principal | None = None) -> bool:
    """Return whether the database refuses a statement of one of the program's roles."""
    try:
        with target.bank.store.begin(who or system(), role) as connection:
            connection.execute(text(statement))
    except (BankloopError, DBAPIError):
        return True
    return False


@attack("rights")
def read_a_customer_of_another_branch(target: AttackTarget) -> None:
    """Guess the number of another branch's customer."""
    manager = target.people["relationship_manager"]
    number = target.scalar(_FOREIGN, who=manager)
    held(number is not None, "no foreign customer to try")
    for role in ("relationship_manager", "sub_branch_head", "remote_agent"):
        client = target.api(role)
        for path in ("", "/overview", "/offers", "/consents", "/relations"):
            answer = client.get(f"{BASE}/customers/{number}{path}")
            held(answer.status_code in (403, 404), f"{role} {path}: {answer.status_code}")
        page = target.browser(role).get(f"/customers/{number}")
        held(page.status_code in (403, 404), f"{role} page: {page.status_code}")


@attack("rights")
def unmask_a_customer_of_another_branch(target: AttackTarget) -> None:
    """Have another branch's customer's name and number shown."""
    number = target.scalar(_FOREIGN, who=target.people["relationship_manager"])
    body = {"fields": ["name_token"], "reason": "x", "ticket": "T1"}
    answer = target.api("relationship_manager").post(f"{BASE}/customers/{number}/unmask", json=body, headers=key())
    held(answer.status_code in (403, 404), answer.status_code)


@attack("rights")
def learn_whether_a_number_exists(target: AttackTarget) -> None:
    """Tell by the answer whether a customer of another branch exists."""
    number = target.scalar(_FOREIGN, who=target.people["relationship_manager"])
    client = target.api("relationship_manager")
    answers = [client.get(f"{BASE}/customers/{one}") for one in (number, "C9999999")]
    said = []
    for asked, one in zip((number, "C9999999"), answers, strict=True):
        told = one.json()
        said.append((one.status_code, told["code"], told["en"].replace(asked, "")))
    held(said[0] == said[1], said)


@attack("rights")
def read_identifiers_in_lists(target: AttackTarget) -> None:
    """Read names and phone numbers in lists, without unmasking anybody."""
    for role in ("hq_strategist", "relationship_manager"):
        items = target.api(role).get(f"{BASE}/customers", params={"limit": 50}).json()["items"]
        held(items, f"{role} sees no customers")
        for one in items:
            held(not any(str(value).isdigit() and len(str(value)) == 11 for value in one.values()), one)


@attack("rights")
def give_oneself_a_role(target: AttackTarget) -> None:
    """Give oneself a role, or consent to one's own request for it."""
    person, client = target.people["security_admin"], target.api("security_admin")
    body = {"person_id": person, "role": "auditor", "reason": "x"}
    asked = client.post(f"{BASE}/grants", json=body, headers=key())
    if asked.status_code < 300:
        done = client.post(f"{BASE}/grants/{asked.json()['grant_id']}/consent", json={"comment": "ok"}, headers=key())
        held(done.status_code >= 400, done.text)
    granted = "SELECT count(*) FROM role_grant WHERE person_id = :p AND role = 'auditor' AND state = 'active'"
    roles = target.scalar(text(granted), p=person)
    held(roles == 0, "has the role")


@attack("rights")
def say_another_role_or_purpose(target: AttackTarget) -> None:
    """Name a role or purpose that is not one's own in a header."""
    for header in ("bankloop-role", "bankloop-purpose"):
        for value in ("auditor", "administration", "'; --", "*"):
            answer = target.api("hq_strategist").get(f"{BASE}/me", headers={header: value})
            held(answer.status_code == 403, f"{header} {value}")


@attack("rights")
def go_beyond_a_machine_s_scopes(target: AttackTarget) -> None:
    """Write with a machine's key that may read, and use it after it was revoked."""
    admin = target.api("security_admin")
    body = {"kind": "key", "person_id": target.people["hq_strategist"], "title": "attack", "scopes": ["read"]}
    made = admin.post(f"{BASE}/machines", json=body, headers=key()).json()
    client = target.stranger()
    client.headers["authorization"] = f"Bearer {made['secret']}"
    beyond = client.post(f"{BASE}/campaigns/bind-card/submit", json={}, headers=key())
    held(beyond.status_code == 403, beyond.text)
    held(client.get(f"{BASE}/grants").status_code == 403, "read grants")
    admin.post(f"{BASE}/machines/{made['machine_id']}/revoke", json={}, headers=key())
    held(client.get(f"{BASE}/me").status_code == 401, "works after it was revoked")


@attack("rights")
def read_the_trail_as_who_is_in_it(target: AttackTarget) -> None:
    """Read the audit trail as somebody whom it watches."""
    for role in ("hq_strategist", "system_admin", "relationship_manager"):
        held(target.api(role).get(f"{BASE}/audit").status_code == 403, role)


@attack("rights")
def learn_a_campaign_by_its_404(target: AttackTarget) -> None:
    """Tell a campaign that exists from one that does not, as a role that reads none."""
    client = target.api("security_admin")
    codes = [client.get(f"{BASE}/campaigns/{name}").status_code for name in ("bind-card", "no-such-campaign")]
    held(codes[0] == codes[1] == 403, codes)


@attack("rights")
def connect_as_nobody(target: AttackTarget) -> None:
    """Read tables on a connection that says nobody's name."""
    with target.bank.store.begin(Principal("nobody")) as connection:
        for table in ("event", "decision", "contact", "staff_task", "customer_book", "outbox"):
            held(connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table)


@attack("rights")
def smuggle_a_setting_in_a_unit_s_name(target: AttackTarget) -> None:
    """Name a unit such that another is let in with it."""
    for unit in ("B01,*", "*,B01", "B01,B02"):
        held(_refused(target, Role.APP, "SELECT 1", Principal("x", units=(unit,))), unit)


@attack("rights")
def change_what_is_appended(target: AttackTarget) -> None:
    """Change, delete or empty what happened and what was done, as each role of the database."""
    for role in (Role.APP, Role.LOADER, Role.AUDITOR):
        for table, column in _APPENDED:
            for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                held(_refused(target, role, statement), f"{role} {statement}")


@attack("rights")
def become_another_role_of_the_database(target: AttackTarget) -> None:
    """Become the owner, or switch row security off, from the program's own role."""
    for statement in (
        "SET ROLE bankloop_owner",
        "ALTER TABLE decision DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE decision NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY open ON decision USING (true)",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/hostname')",
    ):
        held(_refused(target, Role.APP, statement), statement)


@attack("rights")
def read_a_month_past_its_parent(target: AttackTarget) -> None:
    """Read a month's own table, past the policies of the whole."""

    def months(connection: Connection) -> list[str]:
        query = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1"
        return list(connection.scalars(text(query)))

    with target.bank.store.begin(system(), Role.OWNER) as connection:
        found = months(connection)
    held(found, "no month to try")
    for month in found[:6]:
        held(_refused(target, Role.APP, f"SELECT * FROM {month}"), month)


@attack("rights")
def find_a_table_without_forced_security(target: AttackTarget) -> None:
    """Find a table of customers that forces no row security, or a role that stands above it."""
    with target.bank.store.begin(system(), Role.OWNER) as connection:
        bare = connection.scalars(_BARE).all()
        above = connection.scalars(
            text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'bankloop%' AND (rolsuper OR rolbypassrls)")
        ).all()
    held(not bare, bare)
    held(not above, above)


@attack("rights")
def open_a_page_above_one_s_role(target: AttackTarget) -> None:
    """Open the pages of administration, audit and models as a manager."""
    client = target.browser("relationship_manager")
    for path in ("/audit", "/models", "/data", "/rounds", "/approvals"):
        answer = client.get(path)
        held(answer.status_code in (403, 404), f"{path}: {answer.status_code}")
