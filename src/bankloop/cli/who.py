"""In whose name a command acts.

In a simulated bank, and while nobody has been granted a role, ``--as`` is believed. Elsewhere the terminal is signed in
(``bankloop signin``) or BANKLOOP_TOKEN holds an API key, and the command acts as that person and as nobody else.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from bankloop.cli.screen import say
from bankloop.kit.errors import DeniedError, SignInError
from bankloop.kit.origins import Origin
from bankloop.kit.text import Text

if TYPE_CHECKING:
    from bankloop.store.contracts import Principal
    from bankloop.store.database import Store

# Whether ``--as`` was typed: where it was not, the command's usual person is nobody's claim.
_STATED: ContextVar[bool] = ContextVar("bankloop_stated", default=False)
_TOLD: ContextVar[bool] = ContextVar("bankloop_told", default=False)
_LOCAL = Text(
    "本机模式：还没有授予任何角色，本终端可做一切；用 bankloop rights begin 指定头两位安全管理员之后，各人登录",
    "local mode: nobody has a role yet, and this terminal may do everything, until bankloop rights begin",
)
TOKEN = "BANKLOOP_TOKEN"  # noqa: S105 - the name of a variable


def acting(store: Store, person: str, purpose: str) -> Principal:
    """Return who acts for a purpose: ``person`` where that is believed, else who signed in here.

    While nobody has been granted a role, who is at this terminal may do everything, and is told so. Raises
    ``SignInError``
    where nobody signed in, ``DeniedError`` where somebody else did than ``--as`` names.
    """
    from bankloop.organization.beginning import is_begun
    from bankloop.organization.principals import everything, system
    from bankloop.organization.rights import principal_for

    with store.begin(system("cli")) as connection:
        if not is_begun(connection):
            _say_local()
            return everything(person, purpose)
        if not _believed(store):
            person = _own(signed_in(store), person)
        return principal_for(connection, person, purpose)


def permit(store: Store, permission: str, *, whole: bool = False) -> None:
    """Raise unless who is at this terminal may do what the program then does by itself, such as ``round.run``.

    ``whole``: what it shows is every unit's, and is for who sees the whole bank.
    """
    from bankloop.organization.beginning import is_begun
    from bankloop.organization.people import places_of
    from bankloop.organization.principals import system
    from bankloop.organization.rights import ROLES, grants_of, no_part, principal_for, require

    with store.begin(system("cli")) as connection:
        if not is_begun(connection):
            _say_local()
            return
        if _believed(store):
            return
        person = signed_in(store)
        held = [grant.role for grant in grants_of(connection, person)]
        fit = next((role for role in held if permission in ROLES[role].rights), held[0] if held else None)
        purpose = min(ROLES[fit].purposes) if fit else ""
        principal = principal_for(connection, person, purpose, role=fit)
        require(principal, permission)
        if whole and not places_of(connection, principal).whole:
            raise no_part(person)


def signed_in(store: Store) -> str:
    """Return who is signed in at this terminal, by BANKLOOP_TOKEN or by ``bankloop signin``."""
    from bankloop.organization import account

    token = os.environ.get(TOKEN) or _kept(store.folder)
    if token:
        with store.begin(account.SIGN_IN) as connection:
            session = account.read_session(connection, token)
            if session is not None and session.step is account.SignInStep.FULL:
                return session.person_id
            caller = account.read_credential(connection, token)
        if caller is not None and "write" in caller.scopes:
            return caller.person_id
    raise SignInError(
        "signin.terminal",
        Text("本终端尚未登录，或登录已过期；请运行 bankloop signin，或设置 BANKLOOP_TOKEN", "this terminal is not signed in, or no longer; run bankloop signin, or set BANKLOOP_TOKEN"),
    )  # fmt: skip


def token_file(folder: Path) -> Path:
    """Return where the terminal's session of a bank is kept: under the user's own state, never in the bank's folder."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    root = Path(os.environ.get("BANKLOOP_STATE_DIR") or Path(state) / "bankloop")
    return root / "sessions" / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]


def keep_token(folder: Path, token: str | None) -> None:
    """Keep the terminal's session, readable by its user alone; None forgets it."""
    place = token_file(folder)
    place.unlink(missing_ok=True)
    if token is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(token)


@contextmanager
def stating(stated: bool) -> Iterator[None]:
    """Let a command inside know whether its person was named."""
    token, told = _STATED.set(stated), _TOLD.set(False)
    try:
        yield
    finally:
        _STATED.reset(token)
        _TOLD.reset(told)


def here() -> Origin:
    """Return the origin of a command: the user of this host, as the system knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.geteuid())
    return Origin("cli", user, os.uname().nodename)


def _say_local() -> None:
    """Say, once a command, that nobody has a role yet and nothing is refused."""
    if not _TOLD.get():
        _TOLD.set(True)
        say(_LOCAL)


def _believed(store: Store) -> bool:
    from bankloop.organization import account

    return account.read_settings(store.folder).demo


def _kept(folder: Path) -> str:
    place = token_file(folder)
    if not place.exists() or place.stat().st_mode & 0o077:
        return ""
    return place.read_text(encoding="ascii").strip()


def _own(person: str, stated: str) -> str:
    if _STATED.get() and stated != person:
        raise DeniedError(
            "signin.not_you",
            Text("本终端以 {person} 登录，不能以 {stated} 的名义操作；请由本人登录", "this terminal is signed in as {person} and cannot act as {stated}; have that person sign in"),
            person=person, stated=stated,
        )  # fmt: skip
    return person
