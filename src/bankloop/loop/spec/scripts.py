"""Talk scripts (话术) as a bank writes them: what is sent on each channel, and the guide of who calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from bankloop.kit.wording import Unfit
from bankloop.loop.spec.values import Key, Label, Spec


class Objection(Spec):
    """An objection (异议) as customers say it, and how it is answered."""

    says: Label
    answer: Label


class CallGuide(Spec):
    """What who calls goes by: the opening, what to ask of the need, objections with answers, what must be disclosed."""

    opening: Label
    questions: tuple[Label, ...] = ()
    objections: tuple[Objection, ...] = ()
    disclosures: tuple[Label, ...] = ()

    def said(self) -> Iterator[Label]:
        """Yield all that a customer may hear of it."""
        yield self.opening
        yield from self.questions
        yield from (one.answer for one in self.objections)
        yield from self.disclosures


class ScriptVersion(Spec):
    """One version of a script: a body per channel and language, slots with their fallbacks, a guide for calls.

    ``filings`` are the numbers under which a channel's template is on file with the operator (短信模板备案号).
    """

    version: int = Field(ge=1)
    state: Literal["draft", "approved", "retired"]
    slots: Mapping[str, str] = Field(default_factory=dict)
    bodies: Mapping[str, Label]
    guide: CallGuide | None = None
    filings: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _files_what_it_says(self) -> ScriptVersion:
        if stray := sorted(set(self.filings) - set(self.bodies)):
            raise Unfit(f"“{stray[0]}”有备案号却没有正文", f"a filing number for '{stray[0]}', which has no body")
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A version without them reads as it did before there were any, so that what was approved keeps its digest.
        plain: dict[str, Any] = handler(self)
        return {name: one for name, one in plain.items() if one or name not in ("guide", "filings")}


class Script(Spec):
    """A talk script (话术) and its versions."""

    format: Literal[1]
    script: Key
    products: tuple[Key, ...]
    versions: tuple[ScriptVersion, ...] = Field(min_length=1)
