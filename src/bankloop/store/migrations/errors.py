"""The refusals of databases that no migration here leads from."""

from __future__ import annotations

from bankloop.kit.errors import EnvironmentFault
from bankloop.kit.text import Text


def newer_schema(place: str, found: str, ours: str) -> EnvironmentFault:
    """Return the refusal of a database that a later bankloop migrated."""
    return EnvironmentFault(
        "store.newer_schema",
        Text(
            "{place} 的数据库版本是 {found}，此处的 bankloop 只认识到 {ours}；请安装打开过它的 bankloop 版本或更新版本",
            "the database {place} is at {found}, and this bankloop knows no further than {ours}; "
            "install the bankloop that opened it, or a later one",
        ),
        place=place,
        found=found,
        ours=ours,
    )


def older_schema(place: str, found: str, last: str) -> EnvironmentFault:
    """Return the refusal of a database from before the migrations that are still carried along."""
    return EnvironmentFault(
        "store.older_schema",
        Text(
            "{place} 的数据库版本是 {found}，此处的 bankloop 从 {last} 起才能升级；请先用数据库版本为 {last} 的那一版 bankloop "
            "执行一次 bankloop doctor，它会升级到 {last}，再用现在的版本打开",
            "the database {place} is at {found}, and this bankloop carries banks on from {last}; run bankloop doctor once "
            "with the earlier bankloop whose schema is {last}, which carries it there, then open it with this one",
        ),
        place=place,
        found=found,
        last=last,
    )
