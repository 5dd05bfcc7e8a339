"""Pure rules of care: the policy file, the renewal forecast, what is at stake, and what a task says of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from bankloop.care.maturity import errors
from bankloop.care.maturity.contracts import CarePolicy, CareStep, DrawdownPolicy, Maturing, MaturityPolicy, Renewal
from bankloop.kit.located import Located, read_located
from bankloop.kit.text import Text

BUILT_IN = Path(__file__).with_name("care.yaml")
OWN = "care.yaml"
PPM = 1_000_000
MATURITY, DRAWDOWN, REMOTE = "maturity", "drawdown", "remote"
_BY_ITSELF = (MATURITY, DRAWDOWN, REMOTE)
_FEN = 100
# A band speaks for itself as far as it has seen more maturities than this; below, the whole bank's share leads.
PRIOR_MATURITIES = 30
_CLASSES: Mapping[str, Text] = {
    "term_deposit": Text("定存", "term deposit"),
    "wealth": Text("理财", "wealth product"),
    "fund": Text("基金", "fund"),
}


def read_care(folder: Path | None = None) -> CarePolicy:
    """Return the bank's own ``care.yaml``, or what every bank begins with; ``SpecError`` names file and line."""
    own = folder / OWN if folder is not None and (folder / OWN).exists() else BUILT_IN
    file = read_located(own)
    content = file.content if isinstance(file.content, dict) else {}
    return CarePolicy(
        _maturity(file, content.get("maturity")),
        _drawdown(file, content.get("drawdown")),
        _daily(file, content.get("daily", [])),
    )


def renewals(history: Mapping[int, tuple[int, int]], bands: int) -> tuple[Renewal, ...]:
    """Return the forecast of each band from (matured, kept) by band.

    A band's own share is drawn to the whole bank's as by ``PRIOR_MATURITIES`` maturities of it; without any maturity in
    the history there is no forecast.
    """
    matured, kept = (sum(pair[place] for pair in history.values()) for place in (0, 1))
    found = []
    for band in range(bands):
        own_matured, own_kept = history.get(band, (0, 0))
        ppm = None
        if matured:
            drawn = own_kept * matured + PRIOR_MATURITIES * kept
            ppm = PPM * drawn // (matured * (own_matured + PRIOR_MATURITIES))
        found.append(Renewal(ppm, own_matured, own_kept))
    return tuple(found)


def at_stake(fen: int, forecast: Renewal) -> int:
    """Return the balance that is expected to leave; all of it where nothing is known."""
    return fen if forecast.kept_ppm is None else fen * (PPM - forecast.kept_ppm) // PPM


def spared_by(auto_renew: bool, effect: float | None) -> str:
    """Return why a customer is left alone: '' where a call may be made.

    ``effect`` is what a call adds to the chance of keeping the money, None where nobody measured it. Whose deposit renews
    by itself is called only where calls were measured to help: to others a call is a reminder to leave.
    """
    if effect is not None and effect < 0:
        return "harm"
    return "renews" if auto_renew and not (effect or 0) > 0 else ""


def maturity_reason(one: Maturing, today: date) -> str:
    """Return what a task keeps of a maturity; ``said`` is how it reads."""
    kept = "" if one.forecast.kept_ppm is None else str(round(one.forecast.kept_ppm / 10_000))
    parts = (MATURITY, one.product_class, one.matures_on.isoformat(), "on" if one.auto_renew else "off", kept)
    return "|".join((*parts, str((one.matures_on - today).days)))


def drawdown_reason(product: str, fall_ppm: int, since: date) -> str:
    """Return what a task keeps of a fall."""
    return "|".join((DRAWDOWN, product, str(round(fall_ppm / 1_000)), since.isoformat()))


def said(reason: str) -> Text | None:
    """Return what a task of care says in both languages; None where the reason is none of ours."""
    match reason.split("|"):
        case ["maturity", kind, day, renew, kept, _]:
            named = _CLASSES.get(kind, Text(kind, kind))
            zh, en = f"{named.zh} {day} 到期", f"{named.en} matures on {day}"
            zh += "，自动转存" if renew == "on" else "，不自动转存"
            en += ", renews by itself" if renew == "on" else ", does not renew by itself"
            if kept:
                zh, en = f"{zh}；同类历史留存 {kept}%", f"{en}; of such, {kept} % stayed"
            return Text(zh, en)
        case ["drawdown", product, fall, since]:
            points = int(fall) / 10
            return Text(f"持有的 {product} 自 {since} 净值回撤 {points:.1f}%", f"holds {product}, whose net value fell {points:.1f} % since {since}")  # fmt: skip
        case _:
            return None


def _maturity(file: Located, entry: Any) -> MaturityPolicy:
    place = file.place("maturity")
    if not isinstance(entry, dict):
        raise errors.policy_spec(place, "缺少 maturity", "maturity is missing")
    steps = entry.get("steps")
    if not isinstance(steps, list) or not all(isinstance(s, dict) and _whole(s.get("days")) and _whole(s.get("least")) for s in steps):  # fmt: skip
        raise errors.policy_spec(file.place("maturity", "steps"), "steps 每项写 days 和 least（元）", "each step has days and least (yuan)")  # fmt: skip
    bands = entry.get("bands", [])
    if not isinstance(bands, list) or not all(map(_whole, bands)) or bands != sorted(set(bands)):
        raise errors.policy_spec(file.place("maturity", "bands"), "bands 应为递增的金额（元）", "bands are rising amounts in yuan")  # fmt: skip
    for key in ("ahead_days", "history_days"):
        if not _whole(entry.get(key)):
            raise errors.policy_spec(file.place("maturity", key), f"{key} 应为天数", f"{key} is a number of days")
    return MaturityPolicy(
        entry["ahead_days"],
        tuple(CareStep(one["days"], one["least"] * _FEN) for one in steps),
        tuple(str(one) for one in entry.get("classes", ("term_deposit",))),
        entry["history_days"],
        str(entry.get("matured", "deposit_matured")),
        str(entry.get("kept", "deposit_kept")),
        tuple(one * _FEN for one in bands),
    )


def _drawdown(file: Located, entry: Any) -> DrawdownPolicy:
    fall = entry.get("fall") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not _whole(entry.get("days")) or not isinstance(fall, int | float) or not 0 < fall < 100:  # fmt: skip
        raise errors.policy_spec(file.place("drawdown"), "drawdown 写 days（天）和 fall（百分数）", "drawdown has days and fall (per cent)")  # fmt: skip
    return DrawdownPolicy(entry["days"], round(fall * 10_000))


def _daily(file: Located, entry: Any) -> tuple[str, ...]:
    if not isinstance(entry, list) or not set(map(str, entry)) <= set(_BY_ITSELF):
        raise errors.policy_spec(file.place("daily"), "daily 是 maturity、drawdown、remote 中的若干项", "daily names some of maturity, drawdown, remote")  # fmt: skip
    return tuple(name for name in _BY_ITSELF if name in entry)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
