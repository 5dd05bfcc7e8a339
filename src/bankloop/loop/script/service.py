"""Step 5, 选话术: the approved version that fits product, channel and language, with its slots filled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bankloop.kit.errors import SpecError
from bankloop.kit.text import Language, Text
from bankloop.loop.script.rules import check_wording
from bankloop.loop.spec import CallGuide, Label, Lock, Script, ScriptVersion

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The script of one product on one channel."""

    script: str
    version: int
    bodies: Mapping[Language, str]
    fallbacks: Mapping[str, str]
    guide: CallGuide | None = None

    @property
    def label(self) -> str:
        """Return ``script@version``."""
        return f"{self.script}@{self.version}"

    def body(self, language: Language, values: Mapping[str, object]) -> str:
        """Return the text with its slots filled; a value that is missing or empty takes the slot's fallback."""
        return _filled(self.bodies[language], values, self.fallbacks)

    def filled(self, said: Label, values: Mapping[str, object]) -> Text:
        """Return words of the guide with their slots filled as a body's are."""
        return Text(_filled(said.zh, values, self.fallbacks), _filled(said.en, values, self.fallbacks))


def _filled(said: str, values: Mapping[str, object], fallbacks: Mapping[str, str]) -> str:
    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1])
        return fallbacks[match[1]] if value in (None, "") else str(value)

    return _SLOT.sub(fill, said)


def choose(lock: Lock, product: str, channel: str) -> Chosen | None:
    """Return the newest approved version of the lock's scripts for a product on a channel; None when there is none."""
    for script in lock.scripts:
        if product not in script.products:
            continue
        version = newest_approved(script)
        if version is not None and channel in version.bodies:
            body = version.bodies[channel]
            bodies = {Language.ZH: body.zh, Language.EN: body.en}
            return Chosen(script.script, version.version, bodies, version.slots, version.guide)
    return None


def newest_approved(script: Script) -> ScriptVersion | None:
    """Return the approved version with the highest number; None when there is none."""
    approved = [version for version in script.versions if version.state == "approved"]
    return max(approved, key=lambda version: version.version, default=None)


def check_scripts(scripts: Iterable[Script]) -> None:
    """Refuse a script with forbidden wording or a slot without a fallback, naming script, phrase and rule."""
    for script in scripts:
        for version in script.versions:
            for channel, body in version.bodies.items():
                _check_label(f"{script.script}@{version.version}/{channel}", body, version)
            for said in version.guide.said() if version.guide else ():
                _check_label(f"{script.script}@{version.version}/guide", said, version)


def _check_label(place: str, said: Label, version: ScriptVersion) -> None:
    for language, text in ((Language.ZH, said.zh), (Language.EN, said.en)):
        _check_body(f"{place}/{language.value}", text, version)


def _check_body(place: str, text: str, version: ScriptVersion) -> None:
    findings = check_wording(text)
    if findings:
        raise SpecError(
            "script.wording",
            Text("话术 {place}：{finding}", "script {place}: {finding}"),
            place=place,
            finding=findings[0].sentence,
            phrase=findings[0].quoted,
            rule=findings[0].phrase.id,
        )
    missing = [name for name in _SLOT.findall(text) if name not in version.slots]
    if missing:
        raise SpecError(
            "script.slot",
            Text("话术 {place}：空位 {slot} 没有备用词；请写进 slots", "script {place}: the slot {slot} has no fallback; add it to slots"),
            place=place,
            slot=missing[0],
        )  # fmt: skip
