"""The API's own description: OpenAPI of everything under /api/v1 and of nothing else."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bankloop.web.api.dependencies import Reads

_WRITES = ("post", "put")
_NO_KEY = ("/api/v1/token", "/api/v1/audit/verify", "/api/v1/decisions", "/api/v1/outcomes")
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
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
# What else may be answered, and why: to any request, to one that changes something, to one that says what it knows.
_REFUSALS = {
    400: "what was sent cannot be used as it is",
    401: "nobody knows who asks",
    403: "who asks may not do this, or comes by a name that is not served",
    404: "there is no such thing within what the caller may see",
    408: "the body did not come in time",
    413: "the body is too large",
    422: "a field, a file or an expression is not what it has to be",
    429: "too many requests; the header Retry-After says when to try again",
    500: "a fault that nobody foresaw",
    503: "the machine cannot do it now",
}
_REFUSED_CHANGES = {
    409: "the present state does not allow it, or the same key is at work",
    412: "somebody changed it meanwhile",
    423: "somebody else is at work on the same thing",
    428: "the header If-Match is missing",
}


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document; it is written once, for that takes seconds."""
    if app.openapi_schema is None:
        app.openapi_schema = _written(app)
    return app.openapi_schema


def _written(app: FastAPI) -> dict[str, Any]:
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
    parts["responses"] = {
        f"Refused{status}": {
            "description": why,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, why in (_REFUSALS | _REFUSED_CHANGES).items()
    }
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            refused = _REFUSALS | (_REFUSED_CHANGES if method in _WRITES else {})
            one["responses"] |= {str(status): {"$ref": f"#/components/responses/Refused{status}"} for status in refused}
            if method in _WRITES and path not in _NO_KEY:
                one.setdefault("parameters", []).append(_KEY)
    found["paths"]["/api/v1/token"]["post"]["security"] = []
    return found


def add_schema(app: FastAPI) -> None:
    """Add the route of the description."""

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    def openapi(visitor: Reads) -> dict[str, Any]:
        return described(app)
