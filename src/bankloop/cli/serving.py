"""The command that serves the console, on this machine only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bankloop.cli.screen import Folder

_HERE = Path()


def serve(
    bank: Folder = _HERE,
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 / port")] = 8321,
) -> None:
    """打开控制台（仅本机）。Serve the console on this machine only, until sign-in exists."""
    from bankloop.web import serve as serve_console

    serve_console(bank, port)


COMMANDS = {"serve": serve}
