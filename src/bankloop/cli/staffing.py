"""Commands of staffing: who is there by unit, licences by one and by the file, outside staff until their last day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.people import Reason, Who, acting_in
from bankloop.cli.screen import AsJson, Folder, finish, handled, language, show_table
from bankloop.kit.errors import InputError
from bankloop.kit.plain import plain
from bankloop.kit.text import Text

_HERE = Path()
_DAY = ["%Y-%m-%d"]
Staff = Annotated[str, typer.Argument(help="工号 / staff id")]

group = typer.Typer(
    help="人力：在岗与持证、资格与培训、外包准入。Staffing, licences and training, outside staff.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("show")
@handled
def show(as_: Who, bank: Folder = _HERE, as_json: AsJson = False) -> None:
    """各机构的人力、要续的资格、外包人员。Show staffing by unit, licences to renew, outside staff."""
    from bankloop.organization.outside import outside_staff
    from bankloop.organization.people import people
    from bankloop.organization.staffing import ending_licences, staffing_of
    from bankloop.store.contracts import EVERY_UNIT
    from bankloop.store.database import now_of, principal_of

    with acting_in(bank, as_, "staff.read") as connection:
        own = principal_of(connection).units
        units = None if not own or EVERY_UNIT in own else own
        today = now_of(connection).date()
        hands, ending = staffing_of(connection, units, today), ending_licences(connection, units, today)
        lent = outside_staff(connection, [one.staff_id for one in people(connection, units, limit=1_000_000)])
    titles = ["机构 / unit", "在岗 / at work", "人数 / people", "持证 / licensed", "R3+ 任务 / R3+ tasks"]
    rows = [[one.unit_id, one.at_work, one.people, one.licensed, one.licensed_tasks] for one in hands]
    show_table("人力 / staffing", titles, rows, right=[1, 2, 3, 4])
    rows = [[one.staff_id, one.kind, str(one.expires_on)] for one in ending]
    show_table("要续的资格 / to renew", ["工号 / staff", "资格 / licence", "有效至 / until"], rows)
    rows = [[one.staff_id, one.company, one.sponsor_id, str(one.until)] for one in lent]
    show_table("外包 / outside", ["工号 / staff", "公司 / company", "负责人 / sponsor", "至 / until"], rows)
    finish({"units": plain(hands), "ending": plain(ending), "outside": plain(lent)}, as_json)


@group.command("license")
@handled
def license_one(
    staff: Staff,
    kind: Annotated[str, typer.Argument(help="资格，如 fund、wealth、training.product / a kind")],
    issued: Annotated[datetime, typer.Option("--issued", formats=_DAY, help="取得日 / issued on")],
    until: Annotated[datetime, typer.Option("--until", formats=_DAY, help="到期日，当天不再有效 / expires on")],
    as_: Who,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """登记一项资格或培训。Record a licence or training."""
    from bankloop.organization.people import license_staff

    with acting_in(bank, as_, "staff.license") as connection:
        made = license_staff(connection, staff, kind, issued.date(), until.date())
    finish(plain(made), as_json)


@group.command("licences")
@handled
def licences(
    file: Annotated[
        Path, typer.Argument(help="xlsx，首行：工号、资格、取得、有效至 / xlsx: staff_id, kind, issued_on, expires_on")
    ],
    as_: Who,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """按文件登记资格与培训：可用的行登记，其余逐行退回原因。Record licences from a file; unusable lines come back."""
    from bankloop.organization.staffing import take_licences

    try:
        body = file.read_bytes()
    except OSError as error:
        raise InputError(
            "staffing.unreadable",
            Text(
                "读不了资格文件 {file}；请检查路径和权限",
                "the file of licences {file} cannot be read; check its path and permissions",
            ),
            file=file,
        ) from error
    with acting_in(bank, as_, "staff.license") as connection:
        done = take_licences(connection, body)
    show_table(
        "", ["登记 / recorded", "已有 / known", "退回 / returned"], [[done.recorded, done.known, len(done.refused)]]
    )
    rows = [[one.line, one.staff_id, one.reason.say(language())] for one in done.refused]
    show_table("退回 / returned", ["行 / line", "工号 / staff", "原因 / reason"], rows)
    finish(plain(done), as_json)


@group.command("admit")
@handled
def admit(
    staff: Staff,
    company: Annotated[str, typer.Option("--company", help="公司 / company")],
    sponsor: Annotated[str, typer.Option("--sponsor", help="本行负责人 / who of the bank answers")],
    until: Annotated[datetime, typer.Option("--until", formats=_DAY, help="最后一天 / the last day")],
    as_: Who,
    reason: Reason,
    bank: Folder = _HERE,
    as_json: AsJson = False,
) -> None:
    """外包人员准入：到期后一切被拒。Let outside staff in until a day; afterwards everything is refused."""
    from bankloop.organization.outside import admit_outside

    with acting_in(bank, as_, "staff.admit") as connection:
        made = admit_outside(connection, staff, company, sponsor, until.date(), reason)
    finish(plain(made), as_json)
