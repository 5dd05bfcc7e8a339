"""Files that the machine lets others read and not the user who runs the command."""

from __future__ import annotations

from bankloop.kit.errors import EnvironmentFault
from bankloop.kit.text import Text


def no_permission(place: str) -> EnvironmentFault:
    """A file or folder that the user who runs the command may not open."""
    return EnvironmentFault(
        "lake.no_permission",
        Text(
            "没有权限打开 {place}；没有改动任何数据，请给运行 bankloop 的用户相应权限后重试",
            "{place} may not be opened; nothing was changed, give the user that runs bankloop the right and run again",
        ),
        place=place,
    )
