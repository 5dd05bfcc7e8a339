"""What a closed round taught, step by step, and what the next draft should therefore look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bankloop.kit.text import Text
from bankloop.loop.evaluate import Cut, Reading, Verdict, points

# Of what is called clear one in twenty is not.
_CLAIM = 0.05


def lessons_of(reading: Reading | None, learned: Mapping[str, Any], version: int | None) -> dict[str, tuple[Text, ...]]:
    """Return by step what the next draft is told: the reading, the offers, the control's size, the model and why.

    ``reading`` is the round's newest, None before any; ``learned`` the detail of its eighth step; ``version`` the champion's.
    """
    found: dict[str, list[Text]] = {}
    if reading is None:
        found["evaluate"] = [
            Text("上一轮没有读数：先读再改", "the last round was not read: read it before changing anything")
        ]
    else:
        found["evaluate"] = [reading.sentence, *_control(reading)]
        more = {"benefit": _offers(reading), "reach": _channels(reading)}
        found |= {step: said for step, said in more.items() if said}
    said_of_models = learned.get("said")
    if said_of_models:
        zh, en = said_of_models["zh"], said_of_models["en"]
        found["model"] = [
            Text(f"现任第 {version} 版；{zh}", f"the champion is version {version}; {en}") if version else Text(zh, en)
        ]
    for alert in learned.get("alerts", {}).values():
        found.setdefault("model", []).append(Text(**alert["said"]))
    return {step: tuple(texts) for step, texts in found.items()}


def _control(reading: Reading) -> list[Text]:
    if reading.verdict is Verdict.INCONCLUSIVE and reading.rounds_needed:
        n = reading.rounds_needed
        return [
            Text(
                f"这样的对照组要合并约 {n} 轮才看得清；加大对照，或继续合并",
                f"a control like this shows it in about {n} pooled rounds: enlarge it, or go on pooling",
            )
        ]
    if reading.verdict is Verdict.HARM:
        return [Text("这一轮有害：下一轮先停下或换做法", "this round did harm: stop, or do something else next")]
    return []


def _offers(reading: Reading) -> list[Text]:
    """The offers that clearly worked or harmed, the best first."""
    clear = [cut for cut in reading.of("action") if cut.lift is not None and cut.q is not None and cut.q < _CLAIM]
    return [_said(cut) for cut in sorted(clear, key=lambda cut: -cut.lift.value if cut.lift else 0.0)]


def _channels(reading: Reading) -> list[Text]:
    """Channels whose money after costs was lost: what they cost more than they brought."""
    lost = [cut for cut in reading.of("channel") if cut.incremental is not None and cut.incremental.high < 0]
    return [
        Text(f"{cut.key} 花得比带来的多：少用", f"{cut.key} cost more than it brought: use it less") for cut in lost
    ]


def _said(cut: Cut) -> Text:
    value = points(cut.lift.value) if cut.lift else "—"
    if cut.lift is not None and cut.lift.value > 0:
        return Text(f"{cut.key} 有效（{value}）：留下", f"{cut.key} works ({value}): keep it")
    return Text(f"{cut.key} 有害（{value}）：停用", f"{cut.key} harms ({value}): stop it")
