"""What the API refuses beside the verbs' own refusals.

BankloopError
├── InputError
│   ├── KeyMissing…                request.key, request.cursor: 400
│   ├── KeyReusedError             request.key_reused                                         422
│   └── ConditionMissingError      request.condition                                          428
└── ConflictError                  request.in_progress: the same key is at work now           409
"""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, InputError
from bankloop.kit.text import Text


def no_key(reason: Text) -> InputError:
    """Return the refusal of a write without a usable Idempotency-Key."""
    return InputError(
        "request.key",
        Text(
            "请求头 Idempotency-Key {reason}；每个新操作用一个新的唯一值，重发时不变",
            "the header Idempotency-Key {reason}; use a new unique value for every new operation and the same one to "
            "send it again",
        ),
        reason=reason,
    )


class KeyReusedError(InputError):
    """A key that stood for another request."""

    http_status = 422


def key_reused() -> KeyReusedError:
    """Return the refusal of a known key with another payload."""
    return KeyReusedError(
        "request.key_reused",
        Text("这个 Idempotency-Key 已用于内容不同的请求；新内容请用新值", "this Idempotency-Key stood for another payload; use a new one for a new payload"),
    )  # fmt: skip


def in_progress() -> ConflictError:
    """Return the refusal while the same key is at work."""
    return ConflictError(
        "request.in_progress",
        Text("同一 Idempotency-Key 的请求正在处理；稍后用同一值重发即可取得结果", "a request with this Idempotency-Key is at work; send it again shortly to get its result"),
    )  # fmt: skip


class ConditionMissingError(InputError):
    """A change to what others change too, that does not say what its sender had before them."""

    http_status = 428


def no_condition() -> ConditionMissingError:
    """Return the refusal of an unconditional change."""
    return ConditionMissingError(
        "request.condition",
        Text("缺少请求头 If-Match；先读取，再用其 ETag 提交修改", "the header If-Match is missing; read first and send the ETag that came with it"),
    )  # fmt: skip


def bad_cursor() -> InputError:
    """Return the refusal of a cursor that this list did not give to this caller."""
    return InputError(
        "request.cursor",
        Text("游标 cursor 无效；请从第一页重新读取", "the cursor is not valid; begin again at the first page"),
    )
