"""From head office down in a browser without scripts: a leader's 08:30, a task that escalates, leave and hand-over, launch and recall."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from sqlalchemy import text

from bankloop.kit.clock import FixedClock
from bankloop.kit.ids import uuid7
from bankloop.kit.worktime import WorkTime
from bankloop.organization import account
from bankloop.organization.people import name_backup, person_of, record_leave, units
from bankloop.organization.principals import system
from bankloop.organization.rights import give_role
from bankloop.organization.task import (
    NO_LIMIT,
    NewTask,
    TaskKind,
    create_tasks,
    dispatch_tasks,
    escalate_tasks,
    events_of,
    hand_over_tasks,
    open_task,
    task_of,
)
from bankloop.performance.daily_figures import report_day
from bankloop.store.database import attach_store
from bankloop.store.embedded import EmbeddedServer
from bankloop.store.registry import list_campaigns
from bankloop.wiring import hand_over_daily
from tests.bankfixture import TEMPLATE, open_small_bank, set_clock
from tests.customer.test_worklist import xlsx
from tests.web.conftest import Staffed, listening, staff

pytestmark = pytest.mark.browser
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Of a manager's book whom nobody is in touch with and who allow marketing.
_FREE = text(
    "SELECT b.customer_no FROM customer_book b JOIN consent_record c USING (customer_no) WHERE c.purpose = 'marketing' AND c.stands "
    "AND b.staff_id = :m AND b.valid_to IS NULL AND NOT EXISTS (SELECT FROM contact o WHERE o.customer_no = b.customer_no) "
    "AND NOT EXISTS (SELECT FROM consent_record d WHERE d.customer_no = b.customer_no AND d.purpose = 'do_not_contact' AND d.stands) "
    "ORDER BY 1 LIMIT 3"
)


@pytest.fixture(scope="module")
def own(store_server: EmbeddedServer, clock: FixedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """A bank of this story's own."""
    small = open_small_bank(tmp_path_factory.mktemp("leading"), store_server, TEMPLATE, clock, "leading")
    yield staff(small)
    small.open.store.close()


@pytest.fixture
def address(own: Staffed) -> Iterator[str]:
    with listening(own.app) as found:
        yield found


def desk(chromium: Any, own: Staffed, address: str, person: str, language: str = "en", width: int = 1440) -> Any:
    """A person's browser: no script runs, so that every form works without one."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": width, "height": 900})
    context.add_cookies(
        [
            {"name": "session", "value": own.token(person), "url": address},
            {"name": "language", "value": language, "url": address},
        ]
    )
    page = context.new_page()
    page.goto(address)
    return page


def led(own: Staffed) -> tuple[str, str, str]:
    """The commander's branch, the demo manager, and the sub-branch of that manager."""
    with own.small.open.store.begin(system()) as connection:
        manager = own.of("relationship_manager")
        branch, unit = person_of(connection, "commander").unit_id, person_of(connection, manager).unit_id
    assert branch is not None
    assert unit is not None
    return branch, manager, unit


def task_for(own: Staffed, key: str, staff_id: str, unit: str, hours: int = 2) -> UUID:
    bank = own.small.open
    with bank.store.begin(system()) as connection:
        customer = connection.scalar(
            text("SELECT customer_no FROM customer_book WHERE staff_id = :s AND valid_to IS NULL ORDER BY 1 LIMIT 1"),
            {"s": staff_id},
        )
        now = bank.clock.now()
        asked = NewTask(key, TaskKind.CARE, customer, unit, "call", now, now + timedelta(hours=hours), staff_id)
        return open_task(connection, asked).task_id


def holder(own: Staffed, task: UUID) -> str | None:
    with own.small.open.store.begin(system()) as connection:
        return task_of(connection, task).staff_id


def test_a_branch_leader_s_half_past_eight(own: Staffed, chromium: Any, address: str) -> None:
    """The report, the unit behind its figure, the board, the war room, and a task given to a colleague: by keyboard alone."""
    bank, (_, manager, unit) = own.small.open, led(own)
    yesterday = bank.lake.today() - timedelta(days=1)
    report_day(bank, system("daily"), yesterday)
    hand_over_daily(bank)
    task = task_for(own, "half-past-eight", manager, unit)
    with bank.store.begin(system()) as connection:
        colleagues = connection.scalars(
            text(
                "SELECT staff_id FROM staff_post WHERE unit_id = :u AND staff_id <> :m AND valid_to IS NULL ORDER BY 1"
            ),
            {"u": unit, "m": manager},
        ).all()
        able = [one for one in colleagues if not person_of(connection, one, bank.lake.today()).absent]
    assert able
    page = desk(chromium, own, address, "commander")

    page.goto(address + "/daily")
    assert str(yesterday) in page.locator("main").inner_text()
    link = page.locator(f"main a[href='/daily/{unit}']").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/daily/{unit}")
    assert page.goto(address + "/daily/0000").status in (403, 404)  # head office's report is not the branch's

    page.goto(address + "/board")
    first = page.locator("main tbody th a, main tbody td a").first
    first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("main table").count() == 1

    page.goto(f"{address}/warroom/{unit}")
    row = page.locator(f"main form:has(input[value='{task}'])")
    row.locator("select").select_option(able[0])
    row.locator("button").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert holder(own, task) == able[0]
    with bank.store.begin(system()) as connection:
        assert [one.act for one in events_of(connection, [task])] == ["reassigned"]
    assert page.goto(f"{address}/warroom/NOWHERE").status == 404


def test_a_task_that_nobody_touches_escalates_and_its_leader_sees_it(
    own: Staffed, chromium: Any, address: str, store_server: EmbeddedServer
) -> None:
    bank, (_, manager, unit) = own.small.open, led(own)
    task = task_for(own, "untouched", manager, unit)
    tomorrow = FixedClock(bank.clock.now() + timedelta(hours=30))
    with (
        attach_store(bank.store.folder, tomorrow, store_server, "leading") as later,
        later.begin(system("clock")) as connection,
    ):
        escalate_tasks(connection, WorkTime(bank.lake.zone))
    with bank.store.begin(system()) as connection:
        assert task_of(connection, task).escalated == 3
    page = desk(chromium, own, address, manager, width=390)
    page.goto(f"{address}/workbench/{task}")
    # Thirty hours are three levels at once: one step, to the highest.
    assert "escalated to the branch" in page.locator("main").inner_text()
    leader = desk(chromium, own, address, own.of("sub_branch_head"), "zh", 390)
    assert leader.goto(f"{address}/warroom").status == 200


def test_head_office_sets_a_target_launches_and_the_branch_narrows(own: Staffed, chromium: Any, address: str) -> None:
    bank, (branch, _, _) = own.small.open, led(own)
    page = desk(chromium, own, address, "strategist")
    page.goto(address + "/targets")
    page.fill("#name", "half a year")
    page.fill("#total", "90")
    today = bank.lake.today()
    page.fill("#first", today.isoformat())
    page.fill("#last", (today + timedelta(days=60)).isoformat())
    with bank.store.begin(system()) as connection:
        branches = [unit.unit_id for unit in units(connection) if unit.kind == "branch"]
    for name in branches:
        page.fill(f"input[name='weight-{name}']", "1")
    page.click("main form.fields button[type=submit]")
    assert page.locator("[role=alert]").all_inner_texts() == []
    assert "half a year" in page.locator("h1").inner_text()
    with bank.store.begin(system()) as connection:
        parts = connection.execute(text("SELECT p.amount FROM target_part p JOIN target t USING (target_id) WHERE t.name = 'half a year' AND p.parent IS NOT NULL")).scalars().all()  # fmt: skip
        assert sum(parts) == 90
        assert len(parts) == len(branches)

    room = desk(chromium, own, address, "commander", "zh", 390)
    room.goto(address + "/warroom")
    assert "half a year" in room.locator("main").inner_text()
    room.select_option("#rule-unit", branch)
    room.fill("#rule-week", "9")
    room.fill("#rule-reason", "more")
    room.click("#rules form.fields button")
    assert "总行上限" in room.locator("[role=alert]").inner_text()
    assert room.input_value("#rule-week") == "9"
    room.fill("#rule-week", "1")
    room.select_option("#rule-withheld", "*")
    room.click("#rules form.fields button")
    assert "每周至多 1 次" in room.locator("#rules").inner_text()
    assert "不提供" in room.locator("#rules").inner_text()


def listed(page: Any, address: str) -> set[str]:
    """The tasks on a manager's list as the page shows it, however far down."""
    page.goto(address + "/workbench")
    links = page.locator("main a[href^='/workbench/']").all()
    return {str(one.get_attribute("href")) for one in links}


def press(page: Any, button: Any) -> None:
    """Press a button by the keyboard alone and wait for the page that follows."""
    button.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_head_office_launches_a_round_pauses_it_and_compliance_kills_it_off_the_lists(
    own: Staffed, chromium: Any, address: str
) -> None:
    bank, name, manager = own.small.open, "keep-deposits", own.of("relationship_manager")

    def state() -> str:
        with bank.store.begin(system()) as connection:
            return next(row.state for row in list_campaigns(connection) if row.name == name)

    def waiting() -> set[str]:
        with bank.store.begin(system()) as connection:
            found = connection.scalars(
                text("SELECT task_id FROM staff_task WHERE campaign = :c AND state IN ('ASSIGNED', 'ACCEPTED') AND staff_id = :m"),
                {"c": name, "m": manager},
            )  # fmt: skip
            return {f"/workbench/{task}" for task in found}

    def throw(page: Any, act: str, reason: str) -> None:
        switch = page.locator(f"#running form:has(button[formaction='/board/{name}/{act}'])")
        switch.locator("input[name=reason]").fill(reason)
        press(page, switch.locator(f"button[formaction='/board/{name}/{act}']"))

    # The round before is over: the same customers are not reached again while its window is open.
    set_clock(bank, bank.lake.today() + timedelta(days=31))
    assert state() == "running"
    before, phone = waiting(), desk(chromium, own, address, manager, width=390)
    earlier = listed(phone, address)

    # Launched on the page, the round's calls are on the manager's phone the same morning.
    maker = desk(chromium, own, address, "strategist", width=390)
    maker.goto(address + "/rounds")
    maker.fill("#round", "2")
    maker.fill("#start", bank.lake.today().isoformat())
    press(maker, maker.locator("main button:has-text('Run')"))
    own.app.state.jobs.wait()
    launched = waiting() - before
    shown = sorted(launched & listed(phone, address) - earlier)
    assert shown
    phone.goto(address + shown[0])
    phone.click("main button:has-text('Take it and show the number')")
    assert phone.locator("a[href^='tel:1']").count() == 1

    maker.goto(address + "/board")
    assert maker.locator("#running button[formaction$='/kill']").count() == 0  # compliance's alone
    throw(maker, "pause", "the price changed")
    assert state() == "paused"
    throw(maker, "resume", "it is mended")
    assert state() == "running"

    judge = desk(chromium, own, address, "compliance", "zh")
    judge.goto(address + "/board")
    throw(judge, "kill", "a complaint about the wording")
    assert state() == "killed"
    assert judge.locator(f"#running a[href='/campaigns/{name}']").count() == 0
    # Nobody is called for it any more, whoever had begun included; the page says so and takes no outcome.
    assert waiting() == set()
    assert not (before | launched) & listed(phone, address)
    phone.goto(address + shown[0])
    assert "recalled" in phone.locator("main").inner_text()
    assert phone.locator("main input[name=outcome]").count() == 0
    watcher = desk(chromium, own, address, "commander")
    watcher.goto(address + "/board")
    assert watcher.locator("#running form").count() == 0


def test_head_office_recalls_a_list_and_what_nobody_began_leaves_the_phone(
    own: Staffed, chromium: Any, address: str
) -> None:
    manager, today = own.of("relationship_manager"), own.small.open.lake.today()
    with own.small.open.store.begin(system()) as connection:
        numbers = list(connection.scalars(_FREE, {"m": manager}))
    assert len(numbers) == 3
    maker = desk(chromium, own, address, "strategist", "zh", 390)
    maker.goto(address + "/lists")
    maker.fill("#name", "错发的名单")
    maker.fill("#due", today.isoformat())
    rows = xlsx(*((number, "回访", 9_000_000, "") for number in numbers))
    maker.set_input_files("#file", {"name": "list.xlsx", "mimeType": XLSX, "buffer": rows})
    phone = desk(chromium, own, address, manager, width=390)
    earlier = listed(phone, address)
    press(maker, maker.locator("main form.fields button"))
    assert "3 行，可用 3" in maker.locator("[role=status]").inner_text()
    sent = sorted(listed(phone, address) - earlier)
    assert len(sent) == 3
    phone.goto(address + sent[0])
    phone.click("main button:has-text('Take it and show the number')")

    again = desk(chromium, own, address, "strategist")
    again.goto(address + "/lists")
    row = again.locator("main li:has-text('错发的名单')")
    row.locator("input[name=reason]").fill("sent by mistake")
    press(again, row.locator("button"))
    assert again.locator("main li:has-text('错发的名单') form").count() == 0
    # A conversation that has begun is not cut off.
    assert listed(phone, address) & set(sent) == {sent[0]}


def test_ten_thousand_tasks_in_one_sub_branch_are_dealt_out_and_every_page_holds(own: Staffed) -> None:
    bank, (_, _, unit) = own.small.open, led(own)
    today, many = bank.lake.today(), 10_000
    with bank.store.begin(system()) as connection:
        numbers = connection.scalars(text("SELECT customer_no FROM customer_book WHERE unit_id = :u AND valid_to IS NULL ORDER BY 1"), {"u": unit}).all()  # fmt: skip
        table = pa.table(
            {
                "decision_id": [str(uuid7(1_790_000_000_000 + place)) for place in range(many)], "campaign": [""] * many,
                "round": pa.array([7] * many, pa.int32()), "customer_no": [numbers[place % len(numbers)] for place in range(many)],
                "unit_id": [unit] * many, "due_on": [today] * many, "action": [""] * many,
                "value_fen": list(range(many)), "script_version": [""] * many, "reason": ["many"] * many, "kind": ["care"] * many,
            }
        )  # fmt: skip
        report = create_tasks(connection, table, {unit: NO_LIMIT}, WorkTime(bank.lake.zone))
        assert (report.created, report.refused) == (many, ())
        dealt = dispatch_tasks(connection, "", 7)
    # Nobody's pool: each has somebody, none was lost on the way.
    assert dealt.left == 0
    assert dealt.keeper + dealt.backup + dealt.pool == many
    with bank.store.begin(system()) as connection:
        busiest = connection.scalars(
            text("SELECT staff_id FROM staff_task WHERE round = 7 GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
        ).one()
    for person, paths in {
        own.of("sub_branch_head"): ("/", "/warroom", f"/warroom/{unit}", "/tasks"),
        "commander": ("/warroom", f"/warroom/{unit}", "/tasks"),
        busiest: ("/", "/workbench", "/tasks"),
    }.items():
        if person not in own.people:
            with bank.store.begin(system("people", "test")) as connection:
                give_role(connection, person, "relationship_manager", (), ("*",))
            with bank.store.begin(account.SIGN_IN) as connection:
                account.open_account(connection, person)
        client = own.client(person)
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 200, (person, path)
            assert len(answer.content) <= 100_000, (person, path, len(answer.content))
    assert "more of less value" in own.client("commander").get("/tasks", headers={"cookie": f"session={own.token('commander')}; language=en"}).text  # fmt: skip


def test_who_goes_on_leave_hands_over_and_the_backup_finds_it_in_the_morning(
    own: Staffed, chromium: Any, address: str
) -> None:
    bank, (_, manager, unit) = own.small.open, led(own)
    task, today = task_for(own, "on-leave", manager, unit), own.small.open.lake.today()
    backup = next(one for one, role in own.people.items() if role == "relationship_manager" and one != manager)
    page = desk(chromium, own, address, backup, width=390)
    assert page.goto(f"{address}/workbench/{task}").status == 404
    with bank.store.begin(system()) as connection:
        name_backup(connection, manager, backup, "ill")
        record_leave(connection, manager, today, today, "ill")
    with bank.store.begin(system("clock")) as connection:
        assert hand_over_tasks(connection, today, moved=False).backup >= 1
    assert holder(own, task) == backup
    page.goto(f"{address}/workbench/{task}")
    page.click("main button:has-text('Take it and show the number')")
    page.check("input[value=done]")
    page.click("main button:has-text('Keep')")
    assert page.url == address + "/workbench"
    with bank.store.begin(system()) as connection:
        assert {one.act for one in events_of(connection, [task])} == {"handed_over", "accepted", "logged"}
    away = desk(chromium, own, address, manager, width=390)
    away.goto(address + "/workbench")
    assert away.locator(f"a[href='/workbench/{task}']").count() == 0
