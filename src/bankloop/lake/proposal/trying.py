"""What trying a draft found, kept beside it for whoever looks: its rows go when the draft does."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bankloop.kit.bounded import read_json
from bankloop.kit.clock import Clock
from bankloop.kit.text import Text
from bankloop.lake.proposal.adding import try_further
from bankloop.lake.proposal.bringing import try_proposal
from bankloop.lake.proposal.contracts import Proposal
from bankloop.lake.proposal.draft import Draft
from bankloop.lake.service import Lake
from bankloop.lake.trial import DataTrial, SourceTrial, TrialFinding

# Twenty rows a source and a finding a rule and column: far below this, whatever the files hold.
_MOST_KEPT = 8 << 20
_NAME = "trial.json"


def try_draft(draft: Draft, proposal: Proposal, lake: Lake, clock: Clock) -> DataTrial:
    """Try the draft by what is proposed of it, keep what was found and return it."""
    files = [str(one) for one in draft.files]
    found = (
        try_further(draft.bank, lake, files, proposal, clock) if draft.there else try_proposal(files, proposal, clock)
    )
    place = draft.folder / _NAME
    partial = place.with_suffix(".partial")
    partial.write_text(json.dumps({"of": draft.seen, **asdict(found)}, ensure_ascii=False), "utf-8")
    partial.replace(place)
    return found


def kept_trial(draft: Draft) -> DataTrial | None:
    """Return what trying found of the draft as it is now; None where it was not tried, or has changed since."""
    place = draft.folder / _NAME
    if not place.exists():
        return None
    kept = read_json(place.read_bytes(), place.name, _MOST_KEPT)
    if kept["of"] != draft.seen:
        return None
    sources = tuple(SourceTrial(**{name: _frozen(value) for name, value in one.items()}) for one in kept["sources"])
    findings = tuple(
        TrialFinding(**{**one, "said": Text(**one["said"]), "examples": tuple(one["examples"])})
        for one in kept["findings"]
    )
    return DataTrial(sources, findings, tuple(kept["waiting"]), tuple(kept["unread"]))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
