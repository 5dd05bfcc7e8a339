"""Refusals of triggers that are written wrongly, that are not there, or that nobody approved."""

from __future__ import annotations

from collections.abc import Iterable

from bankloop.kit.errors import ConflictError, NotFoundError, SpecError
from bankloop.kit.located import nearest
from bankloop.kit.text import Text


def bad_file(place: str, field: str, zh: str, en: str) -> SpecError:
    """Return the refusal of an entry in the file of triggers."""
    return SpecError(
        "trigger.file",
        Text("{place}：{field} {why}", "{place}: {field}: {why}"),
        place=place,
        field=field,
        why=Text(zh, en),
    )


def unknown_trigger(name: str, known: Iterable[str]) -> NotFoundError:
    """Return the refusal of a trigger that is not in the bank's file, with the nearest that is."""
    near = nearest(name, known)
    return NotFoundError(
        "trigger.unknown",
        Text("triggers.yaml 里没有触发器“{name}”{meant}", "there is no trigger '{name}' in triggers.yaml{meant}"),
        name=name[:64],
        meant=Text(f"，是否指 {near}", f", did you mean {near}") if near else Text("", ""),
    )


def no_script(name: str) -> ConflictError:
    """Return the refusal of a contact without an approved text over one of its channels."""
    return ConflictError(
        "trigger.no_script",
        Text(
            "话术 {script} 没有可用的已批准版本；写好并批准一版",
            "script {script} has no approved version to send; write one and have it approved",
        ),
        script=name,
    )


def sells(name: str, phrase: str) -> ConflictError:
    """Return the refusal of a text that serves and yet sells."""
    return ConflictError(
        "trigger.sells",
        Text(
            "服务类触达的话术 {script} 含销售用语“{phrase}”；改成说明，或按营销类发送",
            "script {script} is sent to serve and sells ('{phrase}'); explain only, or send it as marketing",
        ),
        script=name,
        phrase=phrase,
    )
