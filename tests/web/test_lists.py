"""A list on a page and on the command line: taken in, returned rows written, recalled."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import text

from bankloop.organization.principals import system
from tests.customer.test_worklist import xlsx
from tests.web.conftest import Staffed


def people(staffed: Staffed, count: int) -> list[str]:
    """Customers whom nobody is in touch with and who allow marketing."""
    query = (
        "SELECT b.customer_no FROM customer_book b JOIN consent_record c USING (customer_no) WHERE c.purpose = 'marketing' AND c.stands "
        "AND NOT EXISTS (SELECT FROM contact o WHERE o.customer_no = b.customer_no) "
        "AND NOT EXISTS (SELECT FROM consent_record d WHERE d.customer_no = b.customer_no AND d.purpose = 'do_not_contact' AND d.stands) "
        "ORDER BY 1 LIMIT :n"
    )
    with staffed.small.open.store.begin(system()) as connection:
        return list(connection.scalars(text(query), {"n": count}))


def test_a_list_on_its_page(staffed: Staffed) -> None:
    numbers = people(staffed, 3)
    client = staffed.client("strategist")
    page = client.get("/lists").text
    proof = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    body = xlsx(*((number, "回访", 10, "") for number in numbers), ("NOBODY", "", "", ""))
    asked = {"csrf": proof, "name": "页面名单", "due": "2026-12-31"}
    done = client.post("/lists/take", data=asked, files={"file": ("x.xlsx", body)})
    assert done.status_code == 200
    assert "4 行，可用 3" in done.text
    assert "没有这位客户" in done.text
    assert "早已下发" in client.post("/lists/take", data=asked, files={"file": ("x.xlsx", body)}).text
    many = xlsx(*((f"NOBODY{n}", "", "", "") for n in range(250)))
    for _ in range(2):  # also of a file that was known
        whole = client.post("/lists/take", data={**asked, "name": "全退"}, files={"file": ("x.xlsx", many)}).text
        file = re.search(r"/lists/[0-9a-f-]{36}/returned.xlsx", whole)[0]
        rows = list(openpyxl.load_workbook(io.BytesIO(client.get(file).content)).active.iter_rows(values_only=True))
        assert [row[:3] for row in rows[1:]] == [(n + 2, f"NOBODY{n}", "unknown") for n in range(250)]
    assert staffed.client("auditor").get(file).status_code == 403
    assert staffed.client(staffed.of("branch_commander")).get(file).status_code == 404
    for wrong, words in (({"name": " "}, "没有名称"), ({"due": "2020-01-01"}, "已过")):
        refused = client.post("/lists/take", data={**asked, **wrong}, files={"file": ("x.xlsx", many)})
        assert refused.status_code == 400
        assert words in refused.text
    bad = client.post("/lists/take", data=asked, files={"file": ("x.xlsx", b"not at all")})
    assert bad.status_code == 422
    assert "xlsx" in bad.text
    assert 'value="页面名单"' in bad.text
    address = re.search(r"页面名单(?:(?!</li>).)*?/lists/([0-9a-f-]{36})/recall", client.get("/lists").text, re.S)[1]
    assert client.post(f"/lists/{address}/recall", data={"csrf": proof, "reason": "错"}).status_code == 200
    assert "已收回" in client.get("/lists").text
    assert "/lists/take" not in staffed.client("auditor").get("/lists").text
    assert staffed.client(staffed.of("relationship_manager")).get("/lists").status_code == 403


def test_a_list_on_the_command_line(
    staffed: Staffed, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    from bankloop import wiring
    from bankloop.cli import lists

    monkeypatch.setattr(wiring, "open_bank", lambda folder, clock: nullcontext(staffed.small.open))
    numbers = people(staffed, 8)[5:]
    file, back = tmp_path / "list.xlsx", tmp_path / "back.xlsx"
    file.write_bytes(
        xlsx(*((number, "回访", 10, "") for number in numbers), (numbers[0], "", "", ""), ("+1+1", "", "", ""))
    )
    from datetime import datetime

    where = staffed.small.open.folder
    lists.take(file, "命令名单", datetime(2026, 12, 31), None, back, where, "strategist", True)  # noqa: DTZ001 - as the option gives it
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["read"], found["usable"]) == (5, 3)
    assert [one["code"] for one in found["returned"]] == ["double", "unknown"]
    rows = list(openpyxl.load_workbook(io.BytesIO(back.read_bytes())).active.iter_rows(values_only=True))
    assert rows[0][:3] == ("line", "customer_no", "code")
    assert [row[0] for row in rows[1:]] == [5, 6]
    assert rows[2][1] == "+1+1"
    lists.recall(found["list"], "wrong", where, "strategist", True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["recalled"] == 3
