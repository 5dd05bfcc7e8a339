"""What a bank's folder holds about customers is for its own user alone: folders 0700, files 0600.

Commands make everything so from the start, by the process's umask; here is what mends and finds what was made otherwise.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# The bits of everybody but the owner.
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def data_folder(bank: Path) -> Path:
    """Return where a bank's lake, deliveries, quarantine, models and exports lie."""
    return bank / "data"


def close_to_others(bank: Path) -> None:
    """Close the data folder and what lies directly in it to other users; nobody passes through to what is deeper.

    What is not ours to change stays as it is, and ``open_to_others`` finds it.
    """
    data = data_folder(bank)
    if not data.is_dir():
        return
    for place in (data, *data.iterdir()):
        mode = stat.S_IMODE(place.lstat().st_mode)
        if mode & OTHERS and not place.is_symlink():
            with suppress(PermissionError, FileNotFoundError):
                place.chmod(mode & ~OTHERS)


def open_to_others(bank: Path) -> Iterator[Path]:
    """Yield every folder and file of the bank's data that other users have any right to; links are not followed."""
    for folder, _, files in os.walk(data_folder(bank)):
        for place in (Path(folder), *(Path(folder, name) for name in files)):
            with suppress(FileNotFoundError):  # what is being written meanwhile comes and goes
                found = place.lstat().st_mode
                if found & OTHERS and not stat.S_ISLNK(found):
                    yield place
