"""What the API promises."""

from __future__ import annotations

import json


def openapi_page() -> str:
    """Return docs/reference/openapi.json: what the API promises, so that a change of it is seen in review."""
    from contextlib import nullcontext

    from bankloop.web.api.schema import described
    from bankloop.web.shell.app import create_app

    return (
        json.dumps(described(create_app(lambda: nullcontext(None))), ensure_ascii=False, indent=1, sort_keys=True)
        + "\n"
    )
