"""The commands that go on until they are stopped: the console with its API, and the work beside it."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from bankloop.cli.screen import AsJson, Folder, finish, say, show_table
from bankloop.kit.text import Text
from bankloop.simulate.clock import bank_clock

_HERE = Path()


def serve(
    bank: Folder = _HERE,
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 / port")] = 8321,
    host: Annotated[
        str, typer.Option(help="监听地址，缺省仅本机 / address; this machine only unless behind a proxy")
    ] = "127.0.0.1",
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="由终止 TLS 的代理转发 / a proxy that ends TLS stands before it")
    ] = False,
) -> None:
    """打开控制台与 API，并做作业与每日工作。Serve console and API, and do the work: here, or behind a proxy that ends TLS."""
    serve_bank(bank, port, host, behind_proxy=behind_proxy)


def serve_bank(folder: Path, port: int, host: str = "127.0.0.1", *, behind_proxy: bool = False) -> None:
    """Serve until stopped, and say where and how to stop before anything is waited for."""
    from bankloop.lake.proposal.bringing import begin_empty
    from bankloop.simulate.service import write_templates
    from bankloop.web.shell.app import serve as serve_console

    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        begin_empty(folder)
        write_templates(folder)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    say(
        Text("控制台：{address}/ · 按 Ctrl-C 停止", "the console: {address}/ · Ctrl-C stops it").filled(address=address)
    )
    serve_console(folder, port, host, behind_proxy=behind_proxy, say_local=lambda path: _say_local(address + path))


def _say_local(address: str) -> None:
    """Say by which address whoever started this gets in, while nobody else can."""
    say(
        Text(
            "本机模式：还没有授予任何角色，持此地址者可做一切，直到 bankloop rights begin：{address}",
            "local mode: nobody has a role yet; who holds this address may do everything, until bankloop rights "
            "begin: {address}",
        ).filled(address=address)
    )


def work(
    bank: Folder = _HERE,
    once: Annotated[bool, typer.Option("--once", help="做完到点的就结束 / do what is due and end")] = False,
    as_json: AsJson = False,
) -> None:
    """单独的工作进程：作业、时钟、每日工作，直到停止；可开多个。Do jobs and what is due at its times until stopped; as many as you like."""
    from bankloop.wiring import open_bank, workplace
    from bankloop.work.crew import Crew

    with open_bank(bank, bank_clock(bank)) as opened:
        crew = Crew(workplace(opened))
        if not once:
            crew.start()
            _until_stopped()
            crew.stop()
            return
        duties, jobs = crew.do_what_is_due()
    show_table("到点的 / due", ["例行 / duties", "作业 / jobs"], [[duties, jobs]], right=[0, 1])
    finish({"duties": duties, "jobs": jobs}, as_json)


def _until_stopped() -> None:
    """Wait for whoever started this to end it."""
    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    over.wait()


COMMANDS = {"serve": serve, "work": work}
