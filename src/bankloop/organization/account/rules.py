"""Pure rules of signing in: how long a session lives, when an account locks and for how long, what a password must be."""

from __future__ import annotations

from datetime import datetime, timedelta

from bankloop.kit.text import Text
from bankloop.organization.account.contracts import Session, SignInStep

# A teller's counter is left alone for minutes, not hours (NIST SP 800-63B: AAL2 asks again after 30 minutes idle).
IDLE = timedelta(minutes=30)
# Nobody works through the night on the morning's proof (800-63B: at most 12 hours).
ABSOLUTE = timedelta(hours=12)
# A session on the way to being full has this long for a code or a new password.
HALFWAY = timedelta(minutes=10)
# A row is not written for every click.
TOUCH = timedelta(seconds=30)
# Five wrong proofs lock for a minute, each further one twice as long, at most an hour: guessing gets 40 tries a day.
FREE_FAILURES = 5
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=1)
CODE_LIFE = timedelta(hours=24)
# 800-63B: length is what counts; the upper end only bounds the work of hashing.
SHORTEST, LONGEST = 12, 128
_COMMON = ("password", "123456", "qwerty", "admin", "bankloop", "letmein", "iloveyou")
TOTP_SECONDS = 30


def lock_for(failures: int) -> timedelta | None:
    """Return how long an account locks after so many wrong proofs running; None while it does not."""
    over = failures - FREE_FAILURES
    if over < 0:
        return None
    doubled: int = 2 ** min(over, 10)
    return min(FIRST_LOCK * doubled, LONGEST_LOCK)


def is_over(session: Session, now: datetime) -> bool:
    """Return whether a session idled out or reached its absolute end."""
    idle = IDLE if session.step is SignInStep.FULL else HALFWAY
    return now >= session.until or now - session.seen_at >= idle


def weakness(person_id: str, password: str) -> Text | None:
    """Return why a password is refused; None where it may be used."""
    low = password.lower()
    if not SHORTEST <= len(password) <= LONGEST:
        return Text(f"密码须为 {SHORTEST} 到 {LONGEST} 个字符", f"a password has {SHORTEST} to {LONGEST} characters")
    if person_id.lower() in low:
        return Text("密码不能含用户号", "a password must not hold the person's id")
    if any(word in low for word in _COMMON) or len(set(low)) < 5:
        return Text("密码太常见；换一句更长的话", "this password is too common; use a longer phrase")
    return None


def next_step(*, code_due: bool, must_change: bool, enrol: bool) -> SignInStep:
    """Return what a session asks for next."""
    if code_due:
        return SignInStep.CODE
    if must_change:
        return SignInStep.CHANGE
    return SignInStep.ENROL if enrol else SignInStep.FULL


def matched_step(codes: dict[int, str], code: str, last: int) -> int | None:
    """Return the time step whose TOTP ``code`` is; a step that was used, or an earlier one, is refused (RFC 6238 5.2)."""
    import hmac

    found = [
        step for step, right in codes.items() if hmac.compare_digest(right.encode(), code.encode()) and step > last
    ]
    return max(found, default=None)
