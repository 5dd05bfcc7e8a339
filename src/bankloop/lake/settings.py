"""What the lake needs from bank.yaml apart from its sources: the bank's time zone."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bankloop.kit.located import read_located
from bankloop.kit.text import Text
from bankloop.lake.errors import source_spec

DEFAULT_ZONE = "Asia/Shanghai"


def read_zone(folder: Path) -> str:
    """Return ``time_zone`` of the folder's bank.yaml, Asia/Shanghai when unsaid; raise ``SpecError`` when unknown."""
    path = folder / "bank.yaml"
    if not path.exists():
        return DEFAULT_ZONE
    bank = read_located(path)
    zone = (bank.content or {}).get("time_zone", DEFAULT_ZONE)
    try:
        ZoneInfo(str(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        reason = Text(
            f"未知时区 {zone}；请写成 Asia/Shanghai", f"unknown time zone {zone}; write for example Asia/Shanghai"
        )
        raise source_spec(bank.place("time_zone"), reason) from error
    return str(zone)
