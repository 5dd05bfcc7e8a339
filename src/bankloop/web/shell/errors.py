"""What the console refuses.

BankloopError
├── NotFoundError                  page.none, page.campaign, plan.none, rows.choice: there is no such thing
├── InputError
│   └── UnreadableQueryError       page.query: a question that cannot be read                     422
│   ├── TooLargeError              request.too_large                                          413
│   ├── TooSlowError               request.too_slow                                           408
│   └── OtherMethodError           request.method: the address is there, and not for this     405
├── DeniedError                    serve.foreign_host: another host; rows.pooled: never listed; request.forged: no
│   │                              report.whole: a file of every unit, for who sees the whole bank;
│   │                              proof that one of our own pages asks; serve.not_loopback: nothing encrypts
│   └── TooManyError               request.too_many                                           429
└── StaleError                     request.stale: somebody was faster
"""

from __future__ import annotations

from bankloop.kit.errors import DeniedError, InputError, NotFoundError, StaleError
from bankloop.kit.text import Text


def whole_bank() -> DeniedError:
    """Return the refusal of a file that holds every unit's figures to who sees some of them."""
    return DeniedError(
        "report.whole",
        Text(
            "报告含全行各机构的数字，只给看全行的人；请看“结果”页，那里是您的机构",
            "the report has every unit's figures and is for who sees the whole bank; open Results, which has those of your units",
        ),
    )


def no_page(path: str) -> NotFoundError:
    """Return the error of an unknown page."""
    return NotFoundError(
        "page.none",
        Text("没有页面 {path}；请从左侧菜单进入", "there is no page {path}; choose one from the menu"),
        path=path,
    )


def other_method(path: str, method: str, allowed: str) -> OtherMethodError:
    """Return the error of an address that is asked in a way that it does not answer."""
    return OtherMethodError(
        "request.method",
        Text("{path} 不接受 {method}；可用：{allowed}", "{path} does not take {method}; it takes {allowed}"),
        path=path,
        method=method,
        allowed=allowed,
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


def no_unit(unit: str) -> NotFoundError:
    """Return the error of a unit that there is not, or that is not the reader's: which of both is not said."""
    return NotFoundError(
        "warroom.no_unit",
        Text("没有机构“{unit}”，或它不在您的范围内；请从战区页里选", "there is no unit '{unit}', or it is not yours; choose one on the war room's page"),
        unit=unit,
    )  # fmt: skip


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


def unreadable(field: str, reason: Text) -> UnreadableQueryError:
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
    """Return the refusal to serve beyond this machine without encryption."""
    return DeniedError(
        "serve.not_loopback",
        Text("{host} 不是本机地址，而本服务自己不加密；请在本机运行并由终止 TLS 的代理转发，代理就绪后加 --behind-proxy", "{host} is beyond this machine and this server does not encrypt; put a proxy that ends TLS before it and say --behind-proxy"),
        host=host,
    )  # fmt: skip


def no_hosts() -> DeniedError:
    """Return the refusal to stand behind a proxy without knowing by which names people come."""
    return DeniedError(
        "serve.no_hosts",
        Text("请在 bank.yaml 的 signin.hosts 写明对外主机名，再用 --behind-proxy", "name the public hosts under signin.hosts in bank.yaml before --behind-proxy"),
    )  # fmt: skip


def foreign_host(host: str) -> DeniedError:
    """Return the refusal of a request that names another host."""
    return DeniedError(
        "serve.foreign_host",
        Text("请求的主机名 {host} 不属于这里；请用登记的地址，本机为 http://127.0.0.1", "the request names the host {host}, which is not served here; use a registered name, on this machine http://127.0.0.1"),
        host=host,
    )  # fmt: skip


class TooLargeError(InputError):
    """A body of more bytes than any request of ours needs."""

    http_status = 413


def too_large(limit: int) -> TooLargeError:
    """Return the refusal of a body that is too large."""
    return TooLargeError(
        "request.too_large",
        Text("请求超过 {limit} 字节；请分批提交", "the request is larger than {limit} bytes; send it in parts"),
        limit=limit,
    )


class OtherMethodError(InputError):
    """An address asked in a way that it does not answer."""

    http_status = 405


class TooSlowError(InputError):
    """A body that does not come."""

    http_status = 408


def too_slow(seconds: float) -> TooSlowError:
    """Return the refusal of a body that trickles in."""
    return TooSlowError(
        "request.too_slow",
        Text("请求在 {seconds} 秒内没有传完；请检查网络后重试", "the request did not arrive within {seconds} s; check the network and send it again"),
        seconds=f"{seconds:g}",
    )  # fmt: skip


class TooManyError(DeniedError):
    """More requests than anybody needs."""

    http_status = 429


def too_many(seconds: int) -> TooManyError:
    """Return the refusal of who asks too often; ``seconds`` is when to come back."""
    return TooManyError(
        "request.too_many",
        Text("请求太频繁；请 {seconds} 秒后再试", "too many requests; try again in {seconds} s"),
        seconds=seconds,
    )


def forged() -> DeniedError:
    """Return the refusal of a form that does not prove that it is one of ours."""
    return DeniedError(
        "request.forged",
        Text("表单已过期或不是从本页提交；请重新打开页面再提交", "the form has expired or was not sent from our page; open the page anew and send it again"),
    )  # fmt: skip


def stale(what: str) -> StaleError:
    """Return the refusal of a change to what somebody else changed meanwhile."""
    return StaleError(
        "request.stale",
        Text("{what} 已被他人改动；请对照新内容后再保存", "{what} was changed by somebody else meanwhile; compare with what is there now and save again"),
        what=what,
    )  # fmt: skip


def out_of_scope(scope: str) -> DeniedError:
    """Return the refusal of a credential that is not for this."""
    return DeniedError(
        "request.scope",
        Text("该凭据没有范围“{scope}”；请换用含此范围的凭据", "this credential lacks the scope '{scope}'; use one that has it"),
        scope=scope,
    )  # fmt: skip
