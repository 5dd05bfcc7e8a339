"""The command that serves console and API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.screen import Folder

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
    """打开控制台与 API。Serve console and API: on this machine, or behind a proxy that ends TLS."""
    from bankloop.web.shell.app import serve as serve_console

    serve_console(bank, port, host, behind_proxy=behind_proxy)


COMMANDS = {"serve": serve}
