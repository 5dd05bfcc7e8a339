"""What the console refuses.

BankloopError
├── NotFoundError                  page.none, page.campaign, plan.none, rows.choice: there is no such thing
├── InputError
│   └── UnreadableQueryError       page.query: a question that cannot be read                     422
└── DeniedError                    serve.not_loopback, serve.foreign_host: beyond this machine;
                                   rows.pooled: reasons that are never listed
"""

from __future__ import annotations

from bankloop.kit import DeniedError, InputError, NotFoundError, Text


def no_page(path: str) -> NotFoundError:
    """Return the error of an unknown page."""
    return NotFoundError(
        "page.none",
        Text("没有页面 {path}；请从左侧菜单进入", "there is no page {path}; choose one from the menu"),
        path=path,
    )


def no_campaign(name: str) -> NotFoundError:
    """Return the error of an unknown campaign."""
    return NotFoundError(
        "page.campaign",
        Text("没有战役“{name}”；请从首页选一个", "there is no campaign '{name}'; choose one from the home page"),
        name=name,
    )


def no_plan(plan_id: str) -> NotFoundError:
    """Return the error of an unknown plan."""
    return NotFoundError(
        "plan.none",
        Text("没有方案“{plan}”；请打开最新方案 /plan", "there is no plan '{plan}'; open the newest one at /plan"),
        plan=plan_id,
    )


def no_choice(name: str, value: str, known: str) -> NotFoundError:
    """Return the error of a reason or group that there is not."""
    return NotFoundError(
        "rows.choice",
        Text("{name} 没有“{value}”；可选 {known}", "there is no {name} '{value}'; choose from {known}"),
        name=name,
        value=value,
        known=known,
    )


class UnreadableQueryError(InputError):
    """A query whose form is right and whose values are not."""

    http_status = 422


def unreadable(field: str, reason: str) -> UnreadableQueryError:
    """Return the error of a query that cannot be read."""
    return UnreadableQueryError(
        "page.query",
        Text("参数 {field} 读不懂：{reason}；请改正后重试", "the parameter {field} cannot be read: {reason}; correct it and try again"),
        field=field, reason=reason,
    )  # fmt: skip


def pooled(reason: str) -> DeniedError:
    """Return the refusal to list confidential reasons."""
    return DeniedError(
        "rows.pooled",
        Text("“{reason}”只合并计数，不列名单", "'{reason}' is counted together and never listed"),
        reason=reason,
    )


def not_loopback(host: str) -> DeniedError:
    """Return the refusal to serve beyond this machine."""
    return DeniedError(
        "serve.not_loopback",
        Text("尚无登录，控制台只在本机打开；{host} 不是本机地址，请用 127.0.0.1", "there is no sign-in yet, so the console is served on this machine only; {host} is not, use 127.0.0.1"),
        host=host,
    )  # fmt: skip


def foreign_host(host: str) -> DeniedError:
    """Return the refusal of a request that names another host."""
    return DeniedError(
        "serve.foreign_host",
        Text("请求的主机名 {host} 不是本机；请打开 http://127.0.0.1", "the request names the host {host}, which is not this machine; open http://127.0.0.1"),
        host=host,
    )  # fmt: skip
