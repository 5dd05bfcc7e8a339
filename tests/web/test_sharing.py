"""What lines share of customers, on pages and command line: masked by default, by agreement and consent, over when it ends."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from bankloop import wiring
from bankloop.cli import agreements as commands
from bankloop.lake.contracts import Scope
from bankloop.organization import account
from bankloop.organization.people import engage_staff
from bankloop.organization.principals import auditor, system
from bankloop.organization.rights import give_role
from bankloop.store.contracts import Role
from tests.web.conftest import Staffed
from tests.web.sharing import expired_agreement


@dataclass(frozen=True)
class Tied:
    """A retail customer who stands behind a company that the corporate manager keeps."""

    person: str
    customer: str
    company: str


@pytest.fixture(scope="module")
def tied(staffed: Staffed) -> Tied:
    """The corporate manager of the demonstration with the owner of one of their companies."""
    bank = staffed.small.open
    with bank.lake.connection(Scope.whole_bank("relation")) as engine:
        owners = engine.execute("SELECT from_no, to_no FROM relation WHERE kind = 'legal_representative'").fetchall()
    with bank.store.begin(system()) as connection:
        kept = set(connection.scalars(text("SELECT customer_no FROM customer_book WHERE line = 'corporate' AND staff_id = 'corporate'")))  # fmt: skip
        retail = set(connection.scalars(text("SELECT customer_no FROM customer_book WHERE line = 'retail' AND staff_id IS NOT NULL")))  # fmt: skip
        found = sorted((one, company) for one, company in owners if company in kept and one in retail)
    assert found, "an owner of a company of the corporate manager"
    return Tied("corporate", *found[0])


def opened(staffed: Staffed, customer: str) -> list[dict[str, object]]:
    """What the trail has of looks at a customer, the latest first."""
    query = text("SELECT verb, principal, after FROM audit WHERE class = 'access' AND object_id = :c ORDER BY id DESC")
    with staffed.small.open.store.begin(auditor(), Role.AUDITOR) as connection:
        return [dict(row) for row in connection.execute(query, {"c": customer}).mappings()]


@pytest.mark.capability("A20")
def test_a_corporate_manager_sees_who_else_serves_and_retail_assets_masked(staffed: Staffed, tied: Tied) -> None:
    client = staffed.client(tied.person)
    # From the company's own page, found in the list of one's customers, the owner is one link away.
    assert f'href="customers/{tied.company}"' in client.get("/customers").text.replace('href="/', 'href="')
    page = client.get(f"/customers/{tied.company}").text
    panel = page.split('id="served"', 1)[1].split("</section>", 1)[0]
    assert "零售" in panel
    assert f"/customers/{tied.customer}" in panel
    masked = client.get(f"/customers/{tied.customer}")
    assert masked.status_code == 200
    assert "由其他条线服务" in masked.text
    rows = re.findall(r'<th scope="row">([^<]+)</th><td[^>]*>([^<]*)</td>', masked.text)
    assert dict(rows)["金融资产"] == "***"
    assert {value for _, value in rows} == {"***"}
    last = opened(staffed, tied.customer)[0]
    assert (last["verb"], last["principal"]) == ("customer.open", tied.person)
    # A customer to whom nothing leads is not there.
    with staffed.small.open.store.begin(system()) as connection:
        unknown = connection.scalar(text("SELECT max(customer_no) FROM customer_book WHERE line = 'retail'"))
    assert client.get(f"/customers/{unknown}").status_code == 404


@pytest.fixture(scope="module")
def subsidiary(staffed: Staffed) -> str:
    """A user of the subsidiary."""
    store = staffed.small.open.store
    with store.begin(system()) as connection:
        engage_staff(connection, "sub1", "子公司", "SUB1", "sub_branch_head", "subsidiary")
        give_role(connection, "sub1", "sub_branch_head", ("SUB1",), ("subsidiary",))
    with store.begin(account.SIGN_IN) as connection:
        account.open_account(connection, "sub1")
    return "sub1"


@pytest.mark.capability("A25")
def test_a_subsidiary_sees_what_was_agreed_on_and_consented_to(staffed: Staffed, subsidiary: str) -> None:
    with staffed.small.open.store.begin(system()) as connection:
        agreed, other = connection.scalars(text("SELECT customer_no FROM customer_book WHERE line = 'retail' ORDER BY 1 DESC LIMIT 2"))  # fmt: skip
    maker, checker, steward = (staffed.client(one) for one in ("strategist", "checker", "steward"))
    proof = _proof(maker.get("/agreements").text)
    form = {
        "csrf": proof, "agreement": "A25-1", "owner_line": "retail", "to_line": "subsidiary", "to_unit": "SUB1", "purpose": "tasks",
        "fields": ["region", "aum_fen"], "valid_to": "2027-06-30", "consent": "yes", "reason": "joint service",
    }  # fmt: skip
    client = staffed.client(subsidiary)
    assert client.get(f"/customers/{agreed}").status_code == 404
    assert maker.post("/agreements", data=form).status_code == 200
    register = checker.get("/agreements").text
    assert "待批准" in register
    checker.post("/agreements/A25-1/approve", data={"csrf": _proof(register)})
    assert client.get(f"/customers/{agreed}").status_code == 403  # in force, and the customer has not agreed
    consent = {"csrf": _proof(steward.get("/agreements").text), "customer": agreed, "given": "yes"}
    assert steward.post("/agreements/A25-1/consent", data=consent).status_code == 200
    shown = client.get("/customers", params={"number": agreed}).text
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td[^>]*>([^<]*)</td>', shown))
    assert {name for name, value in rows.items() if value != "***"} == {"地区", "金融资产"}
    assert client.get(f"/customers/{other}").status_code == 403
    # By line: the list of head office is narrowed to one.
    narrowed = maker.get("/customers?line=corporate").text
    assert "公司" in narrowed.split("<tbody>")[1]
    assert "零售" not in narrowed.split("<tbody>")[1]
    assert maker.get("/customers?line=nothing").status_code == 404


def _proof(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.capability("B6")
def test_the_register_says_what_is_over_and_it_opens_nobody(
    staffed: Staffed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = expired_agreement(staffed)
    register = staffed.client("compliance").get("/agreements").text
    assert re.search(r"B6-1</th><td[^>]*><span class=\"tag bad\">已到期", register)
    # For a purpose that was never shared there is nobody; for that of the agreement it is said that it is over.
    assert staffed.client(shared.person).get(f"/customers/{shared.customer_no}").status_code == 404
    answer = staffed.api(shared.person).get(
        f"/api/v1/customers/{shared.customer_no}", headers={"bankloop-purpose": shared.purpose}
    )
    assert (answer.status_code, "B6-1" in answer.text) == (403, True)
    last = opened(staffed, shared.customer_no)[0]
    assert last["verb"] == "customer.refuse"
    assert last["after"]["refused"] == "rights.agreement_over"  # type: ignore[index]
    monkeypatch.setattr(wiring, "open_bank", lambda folder, clock: nullcontext(staffed.small.open))
    commands.listed(staffed.small.open.folder, "strategist", False)
    assert "B6-1" in capsys.readouterr().out
    commands.end("B6-1", "over", staffed.small.open.folder, "checker", False)
    assert "已终止" in staffed.client("compliance").get("/agreements").text


@pytest.mark.capability("A21")
def test_one_proposal_for_an_owner_and_their_company(staffed: Staffed, tied: Tied) -> None:
    """Each leg has its own result and whom it is for; the corporate one takes the right to that line."""
    client = staffed.client(tied.person)
    assert f"/customers/{tied.customer}/proposal" in client.get(f"/customers/{tied.customer}").text
    place = f"/customers/{tied.customer}/proposal"
    asked = {"bundle": "salary-bundle", "company": tied.company}
    assert f'<option value="{tied.company}"' in client.get(place).text
    legs = _legs(client.get(place, params=asked).text)
    assert [line for line, *_ in legs.values()] == ["公司", "零售", "零售"]
    assert "没有该条线的权限" not in legs[_first(legs)][-1]
    # Another test of the shared bank may have taken a product off the shelf, which everybody is told first.
    retail = {legs[name][-1].partition("：")[0] for name in list(legs)[1:]}
    assert "没有该条线的权限" in retail
    assert retail <= {"没有该条线的权限", "产品已下架"}
    # Who acts for every line has each leg ruled by itself, the retail ones by the owner's own assessment.
    whole = staffed.api("strategist").get(f"/api/v1/products/salary-bundle/proposal/{tied.customer}", params={"company": tied.company}).json()  # fmt: skip
    assert [leg["for"] for leg in whole["legs"]] == [tied.company, tied.customer, tied.customer]
    assert whole["legs"][0]["open"]
    assert all(leg["reason"] != "no_right" for leg in whole["legs"])
    wrong = staffed.api("strategist").get(f"/api/v1/products/salary-bundle/proposal/{tied.customer}", params={"company": "K999999"})  # fmt: skip
    assert wrong.status_code == 404


def _legs(page: str) -> dict[str, tuple[str, ...]]:
    body = page.split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("</tr>")]
    plain = [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in rows if row]
    return {row[0]: tuple(row[1:]) for row in plain}


def _first(legs: dict[str, tuple[str, ...]]) -> str:
    return next(iter(legs))
