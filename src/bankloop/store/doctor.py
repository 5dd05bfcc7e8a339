"""What is well with a bank's store and what is not: each finding with its place, its reason and its cure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from bankloop.kit.errors import BankloopError
from bankloop.kit.holidays import FILE
from bankloop.kit.machine_memory import memory_bounds, tightest_bound
from bankloop.kit.text import Text
from bankloop.kit.worktime import known_until, unknown_after
from bankloop.store.audit import anchor_file, check_audit, last_check, newest_row, read_audit, seal_age
from bankloop.store.audit.chain import SEALER
from bankloop.store.audit.clock import MOST_BEHIND
from bankloop.store.contracts import EVERY_UNIT, Principal, Role
from bankloop.store.database import Store
from bankloop.store.duties import failed_duties
from bankloop.store.jobs import JobState, open_jobs
from bankloop.store.outbox import stuck_messages
from bankloop.store.private import data_folder, open_to_others
from bankloop.store.resealing import keys_in_use
from bankloop.store.schema import HEAD
from bankloop.store.sealing import key_file

# PostgreSQL and the lake both stop when the disk is full; a load writes about what it reads.
LEAST_FREE_BYTES = 2 * 2**30
# Sessions and codes of thirty seconds live by the clock.
MOST_SKEW = timedelta(seconds=2)
# The longest window that is planned at once.
PLANNED_AHEAD = timedelta(days=30)
BACKUP_EVERY = timedelta(days=1)
_DOCTOR = Principal("system:doctor", frozenset({"system"}), (EVERY_UNIT,), "operations")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its name, whether it is well, where, why, and what to do about it."""

    check: str
    ok: bool
    place: str
    reason: Text
    cure: Text


def examine(store: Store) -> list[Finding]:
    """Look at the database, its keys, trail and backups and at what failed; only the verification is remembered."""
    return [finding for check in (*_QUICK, _private, _chain) for finding in _tried(check, store)]


def glance(store: Store) -> list[Finding]:
    """Look at all of it that takes no longer than a page may; neither the chain nor every file is walked."""
    return [finding for check in _QUICK for finding in _tried(check, store)]


def _tried(check: Callable[[Store], Iterator[Finding]], store: Store) -> list[Finding]:
    """A check that cannot be made is a finding, with the fault's own cure."""
    name = check.__name__.lstrip("_")
    try:
        return list(check(store))
    except BankloopError as error:
        return [Finding(name, False, store.place, error.message, error.message)]


def _migrations(store: Store) -> Iterator[Finding]:
    found = store.revision()
    yield Finding(
        "migrations", found == HEAD, store.place, Text(f"数据库版本 {found}", f"the database is at {found}"),
        Text(f"用同一版本的 bankloop 打开，会迁移到 {HEAD}", f"open it with this bankloop, which carries it to {HEAD}"),
    )  # fmt: skip


def _clocks(store: Store) -> Iterator[Finding]:
    with store.begin(_DOCTOR) as connection:
        theirs = connection.scalar(text("SELECT clock_timestamp()"))
    skew = abs(theirs - store.clock.now()) if theirs else timedelta.max
    yield Finding(
        "clocks", skew <= MOST_SKEW, store.place,
        Text(f"数据库与本机时钟相差 {skew.total_seconds():.1f} 秒", f"database and machine differ by {skew.total_seconds():.1f} s"),
        Text("请让两台机器都用同一时间源（NTP）", "let both follow one time source (NTP)"),
    )  # fmt: skip
    newest = newest_row(store)
    ahead = newest - store.clock.now() if newest else timedelta()
    if ahead > MOST_BEHIND:
        yield Finding(
            "clock_behind",
            False,
            store.place,
            Text(
                f"时钟落后于最新的审计记录 {ahead}，现在什么也写不进去",
                f"the clock is {ahead} behind the newest row of the trail: nothing can be written",
            ),
            Text("请校准时钟（NTP）", "set the clock right (NTP)"),
        )


def _calendar(store: Store) -> Iterator[Finding]:
    last = known_until()
    warning = unknown_after((store.clock.now() + PLANNED_AHEAD).date())
    yield Finding(
        "calendar", warning is None, str(store.folder / FILE),
        warning or Text(f"工作日历到 {last}", f"working days are known to {last}"),
        Text(f"请把公布的放假与调休写进 {FILE}", f"write the days off and the weekends worked to {FILE} as published"),
    )  # fmt: skip


def _disk(store: Store) -> Iterator[Finding]:
    free = shutil.disk_usage(store.folder).free
    yield Finding(
        "disk", free >= LEAST_FREE_BYTES, str(store.folder),
        Text(f"剩余 {free / 2**30:.1f} GB", f"{free / 2**30:.1f} GB free"),
        Text("请腾出空间：旧的 data/delivery、data/quarantine 与备份可以移走", "free some space: old data/delivery, data/quarantine and backups can be moved away"),
    )  # fmt: skip


def _memory(_: Store) -> Iterator[Finding]:
    bound = tightest_bound(memory_bounds())
    yield Finding(
        "memory", not bound.too_tight, bound.set_by.en,
        Text(f"可用 {bound.leaves >> 20:,} MB，至少需要 {bound.least >> 20:,} MB", f"{bound.leaves >> 20:,} MB may be used, at least {bound.least >> 20:,} MB are needed"),
        Text("请放宽限制，或换用内存更大的机器", "raise the limit, or take a larger machine"),
    )  # fmt: skip


def _keys(store: Store) -> Iterator[Finding]:
    ring = store.keys
    with store.begin(_DOCTOR, Role.OWNER) as connection:
        used = keys_in_use(connection)
    missing = sorted(set(used) - set(ring.ring))
    place = "BANKLOOP_KEYS" if os.environ.get("BANKLOOP_KEYS") else str(key_file(store.folder))
    yield Finding(
        "keys", not missing, place,
        Text(f"现用 {ring.current}，缺 {', '.join(missing) or '无'}", f"current {ring.current}, missing {', '.join(missing) or 'none'}"),
        Text("请从密钥备份恢复缺少的密钥", "restore the missing keys from their own backup"),
    )  # fmt: skip
    old = sum(count for name, count in used.items() if name != ring.current)
    yield Finding(
        "sealed", old == 0, place,
        Text(f"{old} 条内容仍用旧密钥加密", f"{old} values lie under an old key"),
        Text("请执行 bankloop keys renew", "run bankloop keys renew"),
    )  # fmt: skip


def _private(store: Store) -> Iterator[Finding]:
    found = list(open_to_others(store.folder))
    place = data_folder(store.folder)
    cure = Text(
        f"请执行 chmod -R go= '{place}'；网关请用银行自己的系统用户取件",
        f"run chmod -R go= '{place}'; let gateways collect as the bank's own user",
    )
    yield Finding(
        "private",
        not found,
        str(found[0] if found else place),
        Text(
            f"{len(found):,} 个文件或文件夹对其他用户开放", f"{len(found):,} files and folders are open to other users"
        ),
        cure,
    )


def _seals(store: Store) -> Iterator[Finding]:
    """How far the seal is behind; looked at before the chain, whose verification seals."""
    with store.begin(SEALER, Role.AUDITOR) as connection:
        age = seal_age(connection)
    cure = Text(
        "请让 bankloop serve 一直运行（每分钟封存），或定时执行 bankloop audit anchor；仍不封存时查看数据库里未结束的事务",
        "keep bankloop serve running, which seals every minute, or run bankloop audit anchor on a schedule; where that "
        "does not help, look for a transaction left open in the database",
    )
    now = store.clock.now()
    yield Finding("seals", not age.late(now), str(anchor_file(store.folder)), age.told(now), cure)


def _chain(store: Store) -> Iterator[Finding]:
    report = check_audit(store)
    with store.begin(SEALER) as connection:
        last = last_check(connection)
    where = "; ".join(f.detail for f in report.findings[:3])
    said = f"{report.rows:,} rows, {report.seals:,} seals"
    yield Finding(
        "chain", report.ok and last is not None, str(anchor_file(store.folder)),
        Text(f"审计链 {said}；{where or '完好'}", f"{said}; {where or 'whole'}"),
        Text("请保全现场，执行 bankloop audit verify 查明位置，并与备份比对", "keep everything as it is, run bankloop audit verify for the places and compare with a backup"),
    )  # fmt: skip


def _backups(store: Store) -> Iterator[Finding]:
    with store.begin(SEALER, Role.AUDITOR) as connection:
        made = [row for row in read_audit(connection, object_kind="backup", limit=20) if row.verb == "backup.make"]
    age = store.clock.now() - made[0].recorded_at if made else None
    said = (
        Text("还没有备份", "there is no backup yet")
        if age is None
        else Text(f"上次备份 {age.days} 天前", f"last made {age.days} days ago")
    )
    yield Finding(
        "backups", age is not None and age <= BACKUP_EVERY, made[0].object_id if made else str(store.folder), said,
        Text("请执行 bankloop backup，并安排每日执行", "run bankloop backup, and let it run every day"),
    )  # fmt: skip


def _messages(store: Store) -> Iterator[Finding]:
    with store.begin(_DOCTOR) as connection:
        stuck = stuck_messages(connection)
    waiting = [one for one in stuck if one.for_a_person]
    said = Text(
        f"{len(waiting)} 部分失败十次，等人处理；另有 {len(stuck) - len(waiting)} 部分会再试",
        f"{len(waiting)} parts failed ten times and wait for a person; {len(stuck) - len(waiting)} more are tried again",
    )
    where = stuck[0].key if stuck else store.place
    yield Finding(
        "messages",
        not waiting,
        where,
        said if not stuck else Text(f"{said.zh}：{stuck[0].error.zh}", f"{said.en}: {stuck[0].error.en}"),
        Text(
            "请用 bankloop messages 或“轮次”页再试或放弃",
            "try again or give up: bankloop messages, or the page of rounds",
        ),
    )


def _jobs(store: Store) -> Iterator[Finding]:
    with store.begin(_DOCTOR) as connection:
        found = open_jobs(connection)
    dead = [one for one in found if one.state is JobState.DEAD]
    said = Text(
        f"{len(dead)} 项作业搁置，等人处理；另有 {len(found) - len(dead)} 项等待或进行中",
        f"{len(dead)} jobs were put aside and wait for a person; {len(found) - len(dead)} more wait or run",
    )
    if dead and (why := dead[0].error):
        said = Text(
            f"{said.zh}：{dead[0].kind}，{why.get('zh', '')}", f"{said.en}: {dead[0].kind}, {why.get('en', '')}"
        )
    yield Finding(
        "jobs",
        not dead,
        str(dead[0].job_id) if dead else store.place,
        said,
        Text("请用 bankloop jobs 或“轮次”页再试或取消", "try again or cancel: bankloop jobs, or the page of rounds"),
    )


def _duties(store: Store) -> Iterator[Finding]:
    with store.begin(_DOCTOR) as connection:
        failed = failed_duties(connection)
    where = ", ".join(one.name for one in failed)
    yield Finding(
        "duties",
        not failed,
        where or store.place,
        Text(
            f"{len(failed)} 项例行工作上次没有做成" + (f"：{failed[0].error}" if failed else ""),
            f"{len(failed)} duties failed the last time" + (f": {failed[0].error}" if failed else ""),
        ),
        Text(
            "每分钟会再试；按原因处理，仍不行请查看 bankloop serve 或 bankloop work 的记录",
            "they are tried again every minute; mend the reason, or read the log of bankloop serve or bankloop work",
        ),
    )


_QUICK: tuple[Callable[[Store], Iterator[Finding]], ...] = (
    _migrations,
    _clocks,
    _disk,
    _memory,
    _keys,
    _seals,
    _backups,
    _messages,
    _jobs,
    _duties,
    _calendar,
)
