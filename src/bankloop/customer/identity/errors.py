"""The errors of identity: the reason and the cure, never a personal value."""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, InputError, NotFoundError
from bankloop.kit.text import Text


def no_party(number: str) -> NotFoundError:
    """A number that nobody has, or that is out of the reader's scope: the two are told alike."""
    return NotFoundError(
        "identity.no_party",
        Text(
            "没有客户 {number}，或不在您的权限范围内；请用 customer find 查找",
            "no customer {number}, or not within your scope; look with customer find",
        ),
        number=number,
    )


def unknown_kind(kind: str, known: list[str]) -> InputError:
    """A kind of identifier that there is not."""
    return InputError(
        "identity.kind",
        Text("未知的标识种类 {kind}；可用：{known}", "unknown kind of identifier {kind}; known: {known}"),
        kind=kind,
        known=", ".join(known),
    )


def needs_reason() -> InputError:
    """A merge or its undoing without a reason."""
    return InputError(
        "identity.reason",
        Text("合并或拆分必须写明原因；请用 --reason 给出", "merging or taking apart needs its reason; give --reason"),
    )


def same_party(a: str, b: str) -> ConflictError:
    """Two numbers that are one party already."""
    return ConflictError(
        "identity.same",
        Text("{a} 与 {b} 已是同一客户，无需合并", "{a} and {b} are one party already; nothing to merge"),
        a=a,
        b=b,
    )


def alone(number: str) -> ConflictError:
    """A number that is merged with nobody."""
    return ConflictError(
        "identity.alone",
        Text(
            "{number} 没有与任何记录合并，无需拆分；用 customer show 查看其成员",
            "{number} is merged with nobody, so there is nothing to take apart; see its members with customer show",
        ),
        number=number,
    )


def decided(candidate: str, state: str) -> ConflictError:
    """A candidate that was decided meanwhile."""
    return ConflictError(
        "identity.decided",
        Text(
            "待判 {candidate} 已处理（{state}）；请刷新队列",
            "candidate {candidate} is {state}; look at the queue again",
        ),
        candidate=candidate,
        state=state,
    )


def no_candidate(candidate: str) -> NotFoundError:
    """A candidate that is not in the queue."""
    return NotFoundError(
        "identity.no_candidate",
        Text("队列中没有 {candidate}；请用 customer queue 查看", "the queue has no {candidate}; see customer queue"),
        candidate=candidate,
    )


def no_event(event: str) -> NotFoundError:
    """A merge that never was."""
    return NotFoundError(
        "identity.no_event",
        Text("没有合并事件 {event}；用 customer show 查看历史", "no merge {event}; customer show lists them"),
        event=event,
    )


def not_a_channel(number: str) -> ConflictError:
    """An identity that is no channel's: only those bind by verification."""
    return ConflictError(
        "identity.not_a_channel",
        Text(
            "{number} 不是渠道身份，不能绑定；同一人的两条客户记录请用 customer merge",
            "{number} is no channel identity and cannot be bound; two records of one person are merged (customer merge)",
        ),
        number=number,
    )


def no_evidence(number: str) -> InputError:
    """A binding without what was verified."""
    return InputError(
        "identity.no_evidence",
        Text(
            "绑定 {number} 必须写明核验方式",
            "binding {number} needs what was verified, such as a code sent to the phone",
        ),
        number=number,
    )


def bad_file(path: object, reason: str | Text) -> InputError:
    """A file of records that cannot be read."""
    return InputError(
        "identity.file",
        Text(
            "读不了 {path}：{reason}；文件应为 CSV 或 Parquet，列为 {columns}",
            "cannot read {path}: {reason}; give CSV or Parquet with the columns {columns}",
        ),
        path=path,
        reason=reason,
        columns="source_key, name, birth, gender, phone, email, address, document_type, document_no, also",
    )


def too_few(found: int, least: int) -> ConflictError:
    """Too few pairs that look alike to learn from."""
    return ConflictError(
        "identity.too_few",
        Text(
            "可供学习的相似记录对只有 {found}，至少要 {least}；先收入更多来源的记录，暂用随附的模型",
            "only {found} pairs of records look alike and {least} are needed to learn; take in more sources first, "
            "the model that ships serves until then",
        ),
        found=found,
        least=least,
    )
