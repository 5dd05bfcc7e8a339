"""The workbench as an application on a phone: its manifest, its worker, its script, the page for when there is no network."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from bankloop.organization.task import OUTCOMES
from bankloop.web.shell.guard import POLICY
from bankloop.web.shell.rendering import console_of, language, page
from bankloop.web.shell.words import MORE_WORDS

_HERE = Path(__file__).parent
# A manifest, a worker and a script of this console's own; nothing from anywhere else, and nothing inline.
WORK_POLICY = f"{POLICY}; script-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'"
_SCRIPT = "text/javascript"


def add_pages(app: FastAPI) -> None:
    """Add the routes."""

    @app.get("/workbench.webmanifest")
    def manifest(request: Request) -> Response:
        lang, console = language(request), console_of(request)
        name = f"{MORE_WORDS['work'].say(lang)} · {console.title.say(lang)}"
        icon = {"src": "/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
        body = {
            "id": "/workbench", "name": name, "short_name": MORE_WORDS["work"].say(lang), "start_url": "/workbench",
            "scope": "/", "display": "standalone", "lang": "zh-CN" if lang.value == "zh" else "en",
            "background_color": "#f6f7f9", "theme_color": "#0b6e69", "icons": [icon],
        }  # fmt: skip
        return JSONResponse(body, media_type="application/manifest+json")

    @app.get("/workbench.js")
    def script() -> Response:
        return Response((_HERE / "workbench.js").read_text(encoding="utf-8"), media_type=_SCRIPT)

    @app.get("/worker.js")
    def worker() -> Response:
        # A worker lives under its own policy, not under that of the page that began it.
        words = (_HERE / "worker.js").read_text(encoding="utf-8")
        return Response(words, media_type=_SCRIPT, headers={"content-security-policy": WORK_POLICY})

    @app.get("/workbench/offline")
    def offline(request: Request) -> Response:
        # The same for everybody and without a session: it is kept on the phone.
        answer = page(request, "offline.html", at="work", outcomes=OUTCOMES)
        answer.headers["content-security-policy"] = WORK_POLICY
        return answer
