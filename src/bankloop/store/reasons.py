"""What the database finds wrong, in words of ours: by its own code; what we raise in it, as raised."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from sqlalchemy.exc import DBAPIError

from bankloop.kit.text import Text

_NO_RIGHT = Text("这些行不归其管，或角色没有该权限", "the rows are not theirs, or the role lacks the right")
_COLLIDED = Text("与同时进行的另一操作相撞", "another was at work on the same rows")
_OUT_OF_RANGE = Text(
    "数字或日期超出范围，或含有存不下的字符", "a number or day out of range, or a character that cannot be kept"
)
_SILENT = Text("没有应答", "no answer")
# What our own triggers and functions refuse, by the words that they raise.
RAISED: Mapping[str, Text] = {
    "a request begins as submitted": Text("申请只能从“已提交”开始", "a request begins as submitted"),
    "what was submitted is frozen": Text("提交的内容已冻结", "what was submitted is frozen"),
    "a request that is over stays over": Text("已结束的申请不能再动", "a request that is over stays over"),
    "consents are missing": Text("还缺同意", "consents are missing"),
    "may not post": Text("无权在账本上记账", "they have no right to post to the ledger"),
}
# By SQLSTATE, or by its first two characters, which are its class.
_BY_CODE: Mapping[str, Text] = {
    "22003": Text("数字太大", "a number is too large"),
    "22008": Text("日期超出范围", "a day is out of range"),
    "22021": Text("含有存不下的字符", "a character that cannot be kept"),
    "22P05": Text("含有存不下的字符", "a character that cannot be kept"),
    "22": _OUT_OF_RANGE,
    "28": Text("账号或口令不对", "the user or the password is wrong"),
    "3D000": Text("没有这个数据库", "there is no such database"),
    "40": _COLLIDED,
    "42501": _NO_RIGHT,
    "53100": Text("磁盘空间不足", "the disk is full"),
    "53300": Text("连接数已满", "all its connections are taken"),
    "55": _COLLIDED,
    "57": Text("正在启动、停止或恢复", "it is starting, stopping or recovering"),
}


def cause_of(error: Exception) -> BaseException:
    """Return the driver's own error behind an error of the toolkit."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def database_reason(error: Exception) -> Text:
    """Return why the database did not do what was asked of it."""
    cause = cause_of(error)
    code, raised = (
        (cause.sqlstate or "", cause.diag.message_primary) if isinstance(cause, psycopg.Error) else ("", None)
    )
    return (
        RAISED.get(raised or "")
        or _BY_CODE.get(code)
        or _BY_CODE.get(code[:2])
        or (_OUT_OF_RANGE if isinstance(cause, psycopg.DataError) else _SILENT)
    )
