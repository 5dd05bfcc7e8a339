"""What signing in refuses. A refusal never says whether the person, the password or the code was wrong."""

from __future__ import annotations

from datetime import datetime

from bankloop.kit.errors import (
    ConflictError,
    DeniedError,
    EnvironmentFault,
    InputError,
    NotFoundError,
    SignInError,
    SpecError,
)
from bankloop.kit.text import Text


def wrong() -> SignInError:
    """Return the refusal of a wrong proof, whichever part was wrong; whoever is not signed in hears of no lock either."""
    return SignInError(
        "signin.wrong",
        Text(
            "用户号、密码或验证码不对，或因多次输错暂时锁定；请重试，输错五次后请等一分钟到一小时",
            "the person, the password or the code is wrong, or too many wrong tries locked the account for a while; "
            "try again, after five wrong tries in a minute to an hour",
        ),
    )


def locked(until: datetime) -> SignInError:
    """Return the refusal while an account is locked."""
    return SignInError(
        "signin.locked",
        Text("多次输错，账号锁定到 {until}（UTC）；届时再试", "too many wrong tries: locked until {until} (UTC); try again then"),
        until=until.strftime("%Y-%m-%d %H:%M:%S"),
    )  # fmt: skip


def needed() -> SignInError:
    """Return the refusal of who did not sign in, or no longer is."""
    return SignInError(
        "signin.needed",
        Text("尚未登录，或登录已过期；请登录", "you are not signed in, or no longer; sign in"),
    )


def bad_token() -> SignInError:
    """Return the refusal of an unknown, expired or revoked token."""
    return SignInError(
        "signin.token",
        Text("令牌无效、已过期或已吊销；请换一个", "the token is not valid, has expired or was revoked; get a new one"),
    )


def weak(reason: Text) -> InputError:
    """Return the refusal of a password."""
    return InputError("signin.weak_password", Text("{reason}；请换一个", "{reason}; choose another one"), reason=reason)


def no_account(person_id: str) -> NotFoundError:
    """Return the error of a person without an account."""
    return NotFoundError(
        "signin.no_account",
        Text("{person} 没有账号；先运行 bankloop account open {person}", "{person} has no account; run bankloop account open {person} first"),
        person=person_id,
    )  # fmt: skip


def taken(subject: str) -> ConflictError:
    """Return the error of a provider's subject that another person has."""
    return ConflictError(
        "signin.subject_taken",
        Text("该统一身份已绑定其他人；请先解除", "that identity belongs to another person; unbind it there first"),
        subject=subject[:8],
    )


def no_machine(machine_id: str) -> NotFoundError:
    """Return the error of an unknown machine."""
    return NotFoundError(
        "signin.no_machine",
        Text("没有这个接入：{machine}；用 bankloop account keys 查看", "there is no machine {machine}; see bankloop account keys"),
        machine=machine_id,
    )  # fmt: skip


def unknown_scope(scope: str, known: str) -> InputError:
    """Return the error of a scope that there is not."""
    return InputError(
        "signin.scope",
        Text("没有这个范围：{scope}；可用：{known}", "there is no scope {scope}; there are {known}"),
        scope=scope,
        known=known,
    )


def directory_down(url: str, reason: Text) -> EnvironmentFault:
    """Return the error of a directory that does not answer."""
    return EnvironmentFault(
        "signin.directory",
        Text("目录服务 {url} 无法使用：{reason}；请检查网络、证书或稍后再试", "the directory {url} cannot be used: {reason}; check network and certificates, or try later"),
        url=url, reason=reason,
    )  # fmt: skip


def provider_down(issuer: str, reason: Text) -> EnvironmentFault:
    """Return the error of an identity provider that does not answer as it must."""
    return EnvironmentFault(
        "signin.provider",
        Text("统一认证 {issuer} 无法使用：{reason}；请稍后再试或联系管理员", "the identity provider {issuer} cannot be used: {reason}; try later or ask an administrator"),
        issuer=issuer, reason=reason,
    )  # fmt: skip


def refused_by_provider(reason: str) -> SignInError:
    """Return the refusal of an answer of the provider that does not hold."""
    return SignInError(
        "signin.not_proven",
        Text("统一认证的答复不成立（{reason}）；请从头登录", "the identity provider's answer does not hold ({reason}); sign in again from the start"),
        reason=reason,
    )  # fmt: skip


def bad_settings(place: str, reason: Text) -> SpecError:
    """Return the error of a ``signin:`` block that cannot be."""
    return SpecError("signin.settings", Text("{place}：{reason}", "{place}: {reason}"), place=place, reason=reason)


def not_demo() -> DeniedError:
    """Return the refusal to open demo accounts in a bank that is not simulated."""
    return DeniedError(
        "signin.not_demo",
        Text("这不是模拟银行，不能开立演示账号；请用 bankloop account open", "this bank is not simulated and gets no demo accounts; use bankloop account open"),
    )  # fmt: skip
