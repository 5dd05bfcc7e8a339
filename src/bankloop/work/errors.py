"""What becomes of a job that is not done.

BankloopError
├── InputError
│   └── JobUnreadableError   job.unreadable: its arguments are not its kind's                    422
├── ConflictError
│   ├── JobCancelledError    job.cancelled: somebody cancelled it; it ends at its next step
│   ├── JobTakenOverError    job.taken_over: another worker has it
│   ├── JobHandedBackError   job.handed_back: its worker stops
│   └── JobPutAsideError     job.unknown_kind, job.lost and what cannot be read: no attempt can do it
└── EnvironmentFault         job.fault: nobody foresaw it
"""

from __future__ import annotations

from bankloop.kit.errors import ConflictError, EnvironmentFault, InputError
from bankloop.kit.text import Text


class JobUnreadableError(InputError):
    """Arguments that a kind of job does not take."""

    http_status = 422


class JobCancelledError(ConflictError):
    """A job that somebody cancelled ends at its next step."""


class JobTakenOverError(ConflictError):
    """A worker that renewed its lease too late leaves the job to the one that has it now."""


class JobHandedBackError(ConflictError):
    """A worker that stops gives its job back."""


class JobPutAsideError(ConflictError):
    """A job that no attempt can do waits for a person."""


def unreadable(kind: str, place: str, reason: Text) -> JobUnreadableError:
    """Return the refusal of arguments that a kind does not take."""
    return JobUnreadableError(
        "job.unreadable",
        Text(
            "作业 {kind} 的参数 {place} 读不懂（{reason}）；请改正后再提交",
            "job {kind}: the argument {place} cannot be read ({reason}); mend it and ask again",
        ),
        kind=kind,
        place=place,
        reason=reason,
    )


def put_aside(reason: InputError) -> JobPutAsideError:
    """Return why a job whose arguments cannot be read is put aside."""
    return JobPutAsideError(reason.code, reason.message)


def unknown_kind(kind: str) -> JobPutAsideError:
    """Return why a job of a kind that is no more is put aside."""
    return JobPutAsideError(
        "job.unknown_kind",
        Text(
            "这一版没有“{kind}”这类作业；请用提出它的版本处理，或取消它",
            "this version has no job of the kind '{kind}'; let the version that asked for it do it, or cancel it",
        ),
        kind=kind[:64],
    )


def lost(attempts: int) -> JobPutAsideError:
    """Return why a job whose worker died at every attempt is put aside."""
    return JobPutAsideError(
        "job.lost",
        Text(
            "执行这项作业的进程 {attempts} 次中途结束；请查看进程记录（内存、超时），再重试或取消",
            "the process that did this job died {attempts} times; look why (memory, time), then try again or cancel it",
        ),
        attempts=attempts,
    )


def fault() -> EnvironmentFault:
    """Return why a job failed that nobody foresaw failing."""
    return EnvironmentFault(
        "job.fault",
        Text(
            "作业遇到没有预料到的错误；位置见进程记录，会自动再试，仍不行请交给维护人",
            "the job met a fault that nobody foresaw; the process's log says where, and it is tried again by itself; "
            "where that does not help, tell whoever maintains it",
        ),
    )


def cancelled() -> JobCancelledError:
    """Return why a job ends that somebody cancelled."""
    return JobCancelledError(
        "job.cancelled",
        Text(
            "作业已取消；取消之前做完的步骤保留",
            "the job was cancelled; the steps done before it was are kept",
        ),
    )


def taken_over() -> JobTakenOverError:
    """Return why a worker leaves a job that another has taken over."""
    return JobTakenOverError(
        "job.taken_over",
        Text("作业已由另一个进程接手；无需处理", "another process has taken the job over; there is nothing to do"),
    )


def handed_back() -> JobHandedBackError:
    """Return why a worker that stops gives its job back."""
    return JobHandedBackError(
        "job.handed_back",
        Text("进程停止，作业已放回队列；无需处理", "the process stops and the job waits again; there is nothing to do"),
    )
