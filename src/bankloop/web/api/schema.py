"""The API's own description: OpenAPI of everything under /api/v1 and of nothing else."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bankloop.web.api.dependencies import Reads

_WRITES = ("post", "put")
_NO_KEY = ("/api/v1/token", "/api/v1/audit/verify")
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "A new unique value for every new operation; the same one to send it again.",
}  # fmt: skip
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "zh", "en"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "string"},
        "zh": {"type": "string"}, "en": {"type": "string"}, "fields": {"type": "object"}, "request": {"type": "string"},
    },
}  # fmt: skip


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    found = get_openapi(
        title="bankloop", version="1", description="Every verb of a bank's closed loop.", routes=app.routes
    )
    found["paths"] = {path: methods for path, methods in found["paths"].items() if path.startswith("/api/v1/")}
    parts = found.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = _PROBLEM
    parts["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "API key or access token"}
    }
    found["security"] = [{"bearer": []}]
    problem = {
        "description": "Problem",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            one["responses"].pop("422", None)
            one["responses"]["default"] = problem
            if method in _WRITES and path not in _NO_KEY:
                one.setdefault("parameters", []).append(_KEY)
    found["paths"]["/api/v1/token"]["post"]["security"] = []
    return found


def add_schema(app: FastAPI) -> None:
    """Add the route of the description."""

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    def openapi(visitor: Reads) -> dict[str, Any]:
        return described(app)
