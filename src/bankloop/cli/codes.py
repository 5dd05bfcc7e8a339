"""Commands on channel codes: listed, made, printed, their scans, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bankloop.cli.customers import Reason, opened_in
from bankloop.cli.screen import AsJson, Folder, Person, finish, handled, language, say, show_table
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.growth.codes import ChannelCode
    from bankloop.loop.bank import Bank

_HERE = Path()
Code = Annotated[str, typer.Argument(help="码 / code")]
Address = Annotated[
    str,
    typer.Option(
        "--address", help="链接的网址开头，默认取 bank.yaml 的 hosts / where links begin, by default the first of hosts"
    ),
]
group = typer.Typer(
    help="渠道码：列出、生成、海报、扫码统计、作废。Codes: listed, made, printed, their scans, revoked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("list")
@handled
def listed(
    staff: Annotated[str, typer.Option("--staff", help="只看某人的 / somebody's only")] = "",
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """列出范围内的渠道码，新的在前。List the codes in one's scope, the newest first."""
    from bankloop.growth.codes import codes

    with opened_in(bank, as_, "channel_code.read") as (opened, connection):
        found = codes(connection, opened.lake.today(), staff)
    _show(found, as_json, {"codes": [_plain(one) for one in found]})


@group.command("make")
@handled
def make(
    title: Annotated[str, typer.Argument(help="名称，印在码下 / title, printed under the code")],
    staff: Annotated[str, typer.Option("--staff", help="归属员工 / whose it is")],
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="截止日 / last day")],
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="起始日，默认今天 / first day, today by default"),
    ] = None,
    campaign: Annotated[str, typer.Option("--campaign", help="战役 / campaign")] = "",
    scene: Annotated[str, typer.Option("--scene", help="场景 / scene")] = "",
    place: Annotated[
        list[str] | None, typer.Option("--place", help="张贴地点，可多次 / where it hangs, repeatable")
    ] = None,
    address: Address = "",
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """为在岗员工生成一个渠道码。Make a code for somebody at work."""
    from bankloop.growth.codes import CodeRequest, make_code

    with opened_in(bank, as_, "channel_code.make") as (opened, connection):
        first = since.date() if since else None
        wanted = CodeRequest(title, staff, until.date(), first, campaign, scene, tuple(place or ()))
        found = make_code(connection, wanted, opened.spec.campaigns, opened.lake.today())
        link = _link(opened, start := _start(opened, address), found.code)
    _show([found], as_json, {**_plain(found), "link": link})
    whole = Text("", "") if start else Text("（网址开头未知：--address 或 hosts）", " (begins with --address or hosts)")
    say(Text(f"链接 {link}{whole.zh}", f"link {link}{whole.en}"))


@group.command("scans")
@handled
def scans(code: Code, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False) -> None:
    """一个码的扫码：总数、设备、按地点和小时。A code's scans: how many, by how many devices, by place and hour."""
    from bankloop.growth.codes import code_of, scans_of
    from bankloop.kit.plain import plain

    with opened_in(bank, as_, "channel_code.read") as (opened, connection):
        found = code_of(connection, code, opened.lake.today())
        told = scans_of(connection, code, opened.lake.zone)
    none = Text("未注明地点", "no place")
    show_table(
        found.title,
        ["地点 / place", "扫码 / scans"],
        [[n or none.say(language()), f"{k:,}"] for n, k in told.by_place.items()],
        right=[1],
    )
    hours = [[f"{one.hour:%Y-%m-%d %H:00}", f"{one.scans:,}"] for one in told.by_hour]
    show_table("按小时 / by hour", ["时刻 / hour", "扫码 / scans"], hours, right=[1])
    say(
        Text(
            f"扫码 {told.scans:,} 次，设备 {told.devices:,} 台；未放行 {sum(told.refused.values()):,} 次。",
            f"{told.scans:,} scans by {told.devices:,} devices; {sum(told.refused.values()):,} not let in.",
        )
    )
    finish({"code": code, **plain(told)}, as_json)


@group.command("poster")
@handled
def poster(
    code: Annotated[list[str], typer.Argument(help="一个或多个码，可写 码@地点 / codes, as CODE or CODE@PLACE")],
    out: Annotated[Path, typer.Option("--out", help="文件：.pdf、.png 或 .svg / file: .pdf, .png or .svg")],
    address: Address = "",
    bank: Folder = _HERE,
    as_: Person = "strategist",
    as_json: AsJson = False,
) -> None:
    """把一个或多个码印成海报。Print one or several codes as a poster."""
    from bankloop.growth.codes import POSTERS, bad_poster, drawn_codes, no_address, no_folder

    drawing = POSTERS.get(out.suffix.lower().removeprefix("."))
    if drawing is None:
        raise bad_poster(out.suffix)
    if not out.parent.is_dir():
        raise no_folder(str(out.parent))
    with opened_in(bank, as_, "channel_code.read") as (opened, connection):
        if not (start := _start(opened, address)):
            raise no_address()
        found = drawn_codes(connection, code, lambda one, place: _link(opened, start, one, place), opened.lake.today())
        title = opened.title
    out.write_bytes(drawing(title, found, language()))
    say(Text(f"海报已写入 {out}", f"the poster is in {out}"))
    finish({"file": str(out), "codes": [one.code for one, _, _ in found]}, as_json)


@group.command("revoke")
@handled
def revoke(
    code: Code, reason: Reason, bank: Folder = _HERE, as_: Person = "strategist", as_json: AsJson = False
) -> None:
    """作废一个码，立即生效。Revoke a code, from now on."""
    from bankloop.growth.codes import revoke_code

    with opened_in(bank, as_, "channel_code.revoke") as (opened, connection):
        found = revoke_code(connection, code, reason, opened.lake.today())
    _show([found], as_json, _plain(found))


def _start(opened: Bank, address: str) -> str:
    from bankloop.organization.account import read_settings

    hosts = read_settings(opened.folder).hosts
    return address or (f"https://{hosts[0]}" if hosts else "")


def _link(opened: Bank, start: str, code: str, place: str = "") -> str:
    from bankloop.growth.codes import address_of, link_of

    return address_of(start, link_of(opened.folder, code), place)


def _plain(one: ChannelCode) -> dict[str, object]:
    from bankloop.kit.plain import plain

    found: dict[str, object] = plain(one)
    return found


def _show(found: list[ChannelCode], as_json: bool, value: Mapping[str, object]) -> None:
    from bankloop.growth.codes import STATES

    rows = [
        [
            one.code,
            one.title,
            one.staff_name,
            one.unit.say(language()),
            STATES[one.state].say(language()),
            f"{one.until}",
            f"{one.scans:,}",
        ]
        for one in found
    ]
    heads = ["码 / code", "名称 / title", "归属 / whose", "机构 / unit", "状态 / state", "截止 / until", "扫码 / scans"]
    show_table("渠道码 / codes", heads, rows, right=[6])
    finish(value, as_json)
