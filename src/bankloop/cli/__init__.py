"""The ``bankloop`` command, one file a noun. It parses, calls a door and prints; it decides nothing.

Progress goes to stderr; with ``--json`` the last line of stdout is one object. Heavy rooms are imported by the command
that needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import gc
import io
import os
import sys

# New objects before the youngest are looked through, and how often the older ones with them.
_COLLECTED = (50_000, 10, 10)


def main() -> None:
    """Run the command line; what it writes is for its own user alone, whatever the shell says."""
    os.umask(0o077)
    # Importing makes a hundred thousand objects that stay: looking through them again costs a fifteenth of a start.
    gc.set_threshold(*_COLLECTED)
    # A terminal that cannot say a character gets its number; in JSON that is the character again.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    from bankloop.cli.parts import application_of
    from bankloop.cli.reading import readers_command

    # What completes a command in the shell asks by the environment, with no words.
    readers_command(application_of(sys.argv[1] if len(sys.argv) > 1 else ""))()


__all__ = ["main"]
