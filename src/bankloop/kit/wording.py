"""What libraries and the system find wrong, in words of ours: whoever reads an error reads no engine's sentence.

A validator of ours raises ``Unfit`` and is quoted; what a library finds is said by its kind, what the system does by
its number. Imported by path (``bankloop.kit.wording``).
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from bankloop.kit.text import Text


class Unfit(ValueError):
    """A value that a field does not take, in both languages: what a validator of ours raises."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.said = Text(zh, en)


_WHOLE = Text("应为整数", "a whole number is wanted")
_NUMBER = Text("应为数字", "a number is wanted")
_YES_NO = Text("应为 true 或 false", "true or false is wanted")
_WORDS = Text("应为文字", "a text is wanted")
_LIST = Text("应为列表", "a list is wanted")
_NAMED = Text("应为“名称: 值”的一组", "names with their values are wanted")
_DAY = Text("应为日期，如 2026-06-30", "a day is wanted, as 2026-06-30")
_MOMENT = Text(
    "应为带时区的时刻，如 2026-06-30T10:00:00+08:00", "a moment with its zone is wanted, as 2026-06-30T10:00:00+08:00"
)
_CHOICE = Text("应为 {expected} 之一", "one of {expected} is wanted")
_ID = Text(
    "应为编号，如 00000000-0000-7000-8000-000000000000", "an id is wanted, as 00000000-0000-7000-8000-000000000000"
)
_OTHER = Text("不是这里能填的值", "it is no value for this place")
_KINDS: Mapping[str, Text] = {
    "missing": Text("缺少这一项", "it is missing"),
    "extra_forbidden": Text("没有这一项", "there is no such field"),
    "string_too_short": Text("至少 {min_length} 个字符", "at least {min_length} characters are wanted"),
    "string_too_long": Text("至多 {max_length} 个字符", "at most {max_length} characters are allowed"),
    "string_unicode": Text("不是可读的文字", "it is no readable text"),
    "too_short": Text("至少 {min_length} 项", "at least {min_length} are wanted"),
    "too_long": Text("至多 {max_length} 项", "at most {max_length} are allowed"),
    "greater_than": Text("应大于 {gt}", "it must be more than {gt}"),
    "greater_than_equal": Text("应不小于 {ge}", "it must be at least {ge}"),
    "less_than": Text("应小于 {lt}", "it must be less than {lt}"),
    "less_than_equal": Text("应不大于 {le}", "it must be at most {le}"),
    "json_invalid": Text("不是合法的 JSON", "it is no JSON"),
    "literal_error": _CHOICE,
    "enum": _CHOICE,
    "timezone_aware": _MOMENT,
}
_FAMILIES: Mapping[str, Text] = {
    "int": _WHOLE,
    "float": _NUMBER,
    "finite": _NUMBER,
    "decimal": _NUMBER,
    "bool": _YES_NO,
    "string": _WORDS,
    "datetime": _MOMENT,
    "date": _DAY,
    "list": _LIST,
    "tuple": _LIST,
    "set": _LIST,
    "dict": _NAMED,
    "mapping": _NAMED,
    "model": _NAMED,
    "uuid": _ID,
}
# By the pattern of a field, how its values are written.
_FORMS: Mapping[str, Text] = {
    r"^[a-z][a-z0-9-]{1,62}$": Text(
        "应以小写字母开头，由小写字母、数字和 - 组成，2 到 63 个字符",
        "it begins with a small letter and is made of small letters, digits and -, 2 to 63 of them",
    ),
    r"^[a-z][a-z0-9_]{1,62}$": Text(
        "应以小写字母开头，由小写字母、数字和 _ 组成，2 到 63 个字符",
        "it begins with a small letter and is made of small letters, digits and _, 2 to 63 of them",
    ),
    "^R[1-5]$": Text("应为 R1 到 R5", "it is one of R1 to R5"),
    "^[0-9a-f]{64}$": Text("应为文件的 SHA-256，64 位十六进制", "it is a file's SHA-256, 64 hexadecimal digits"),
    "^[A-Z]{3}$": Text("应为三个大写字母，如 CNY", "it is three capital letters, as CNY"),
    r"^[^/\\]+\.(csv|csv\.gz|parquet)$": Text(
        "应为 .csv、.csv.gz 或 .parquet 文件名", "it names a file of .csv, .csv.gz or .parquet"
    ),
}
_SYSTEM: Mapping[int, Text] = {
    errno.ENOSPC: Text("磁盘空间不足", "the disk is full"),
    errno.EDQUOT: Text("超过磁盘配额", "the disk's quota is used up"),
    errno.EACCES: Text("没有权限", "no permission"),
    errno.EPERM: Text("没有权限", "no permission"),
    errno.EROFS: Text("只能读、不能写", "it can only be read"),
    errno.ENOENT: Text("不存在", "it does not exist"),
    errno.EEXIST: Text("已经存在", "it exists already"),
    errno.ENOTDIR: Text("路径中有一段不是文件夹", "a part of the path is no folder"),
    errno.EISDIR: Text("是文件夹，不是文件", "it is a folder and no file"),
    errno.ENAMETOOLONG: Text("名称太长", "the name is too long"),
    errno.ELOOP: Text("链接绕成了圈", "links lead in a circle"),
    errno.EMFILE: Text("打开的文件太多", "too many files are open"),
    errno.EIO: Text("磁盘读写出错", "the disk fails to read or write"),
}


def value_reason(found: Mapping[str, Any]) -> Text:
    """Return why a value does not fit its field, of one finding of pydantic's."""
    given = found.get("ctx") or {}
    if isinstance(wrong := given.get("error"), Unfit):
        return wrong.said
    kind = str(found["type"])
    if kind == "string_pattern_mismatch":
        return _FORMS.get(str(given.get("pattern")), _OTHER)
    text = _KINDS.get(kind) or _FAMILIES.get(kind.split("_")[0], _OTHER)
    expected = str(given.get("expected", "")).replace(" or ", ", ")
    return text.filled(**{**given, "expected": expected})


def system_reason(error: OSError) -> Text:
    """Return why the system did not do what was asked of it."""
    known = _SYSTEM.get(error.errno or 0)
    return known or Text(f"系统错误 {error.errno or '—'}", f"system error {error.errno or '—'}")
