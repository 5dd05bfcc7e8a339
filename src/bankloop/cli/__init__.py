"""The ``bankloop`` command, one file a noun. It parses, calls a door and prints; it decides nothing.

Progress goes to stderr; with ``--json`` the last line of stdout is one object. Heavy rooms are imported by the command
that needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from bankloop.cli.application import application

    application()


__all__ = ["main"]
