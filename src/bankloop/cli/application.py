"""The application with all its commands."""

from __future__ import annotations

from bankloop.cli.parts import application_of

application = application_of()
