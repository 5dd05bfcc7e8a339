"""Metrics for Prometheus and spans for OpenTelemetry: by route, never by address, so that no identifier enters them."""

from __future__ import annotations

import time
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from opentelemetry import trace
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bankloop.web.shell import errors
from bankloop.web.shell.guard import LOOPBACK_NAMES
from bankloop.web.shell.rendering import console_of
from bankloop.web.shell.visitor import visitor_of

_LABELS = ("method", "route")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Telemetry:
    """One process's counters."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("bankloop_requests", "Requests answered.", (*_LABELS, "status"), registry=self.registry)
        self.seconds = Histogram("bankloop_request_seconds", "Seconds to answer.", _LABELS, registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        known = method if method in _METHODS else "other"
        self.requests.labels(known, route, str(status)).inc()
        self.seconds.labels(known, route).observe(seconds)


class Measured:
    """Counts and traces every request that was let in."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app = app
        self.telemetry = telemetry
        self._tracer = trace.get_tracer("bankloop.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on between two readings of the clock."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), [500]

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        with self._tracer.start_as_current_span(scope["method"], kind=trace.SpanKind.SERVER) as span:
            try:
                await self.app(scope, receive, noted)
            finally:
                route = _route(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status[0])
                span.set_attribute("bankloop.request", scope["state"].get("request_id", ""))
                self.telemetry.count(scope["method"], route, status[0], time.perf_counter() - began)


def add_telemetry(app: FastAPI) -> None:
    """Add the middleware and ``/metrics``, which is for this machine, or for a credential with the scope ``metrics``."""
    app.add_middleware(Measured, telemetry=app.state.telemetry)

    @app.get("/metrics", include_in_schema=False)
    def metrics(request: Request) -> Response:
        client = request.client.host if request.client else ""
        if client not in LOOPBACK_NAMES or request.headers.get("authorization"):
            found = visitor_of(request, console_of(request).bank.store)
            if found.scopes is None:
                raise errors.out_of_scope("metrics")
            found.within("metrics")
        return Response(generate_latest(app.state.telemetry.registry), media_type=CONTENT_TYPE_LATEST)


def _route(scope: Any) -> str:
    return str(getattr(scope.get("route"), "path", "none"))
