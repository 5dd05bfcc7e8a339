"""The page on valuing a policy cannot drift: its tables are what the command prints, its fields are the format's."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bankloop.kit.text import Language
from bankloop.loop.evaluate.policy import LoggedBank, PolicySpec, contracts, errors, valuation_rows, value_policy
from bankloop.loop.spec.contracts import Spec

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/how-to/value-a-policy.md"


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / PAGE).read_text("utf-8")


@pytest.mark.parametrize("name", ["first-mailing", "loan-mailing"])
def test_tables_are_what_the_command_prints(name: str, page: str, shared_data: Path, examples: Path) -> None:
    pages = {Language.EN: page, Language.ZH: (ROOT / PAGE).with_suffix(".zh.md").read_text("utf-8")}
    for reading in value_policy(examples / name, shared_data).readings:
        for language, told in pages.items():
            for row in valuation_rows(reading, language):
                assert f"| {' | '.join(row)} |" in told


@pytest.mark.parametrize("levels", [3, 4, 6, 7])
def test_other_numbers_of_levels_are_told_as_they_are(
    levels: int, page: str, shared_data: Path, edited: Callable[..., Path]
) -> None:
    folder = edited("loan-mailing", ("levels: 5 ", f"levels: {levels} "), ("level: 5}", f"level: {levels}}}"))
    lead = valuation_rows(value_policy(folder, shared_data).primary, Language.EN)[2][3:5]
    assert f"| {levels} | {' | '.join(lead)} |" in page


def test_every_field_of_both_files_is_explained(page: str) -> None:
    models: list[type[Spec]] = [
        PolicySpec,
        LoggedBank,
        contracts.LoggedFile,
        contracts.LoggedColumn,
        contracts.Reward,
        contracts.Arms,
        contracts.Rate,
        contracts.Split,
        contracts.Under,
        contracts.PolicyComparison,
    ]
    missing = [
        f"{model.__name__}.{field.alias or name}"
        for model in models
        for name, field in model.model_fields.items()
        if not re.search(rf"`{field.alias or name}[`:]|^\s*{field.alias or name}:", page, re.MULTILINE)
    ]
    assert not missing


def test_every_refusal_is_explained(page: str) -> None:
    codes = set(re.findall(r'"(policy\.[a-z_]+)"', Path(errors.__file__).read_text("utf-8")))
    assert {code for code in codes | {"policy.unsupported", "policy.logs"} if f"`{code}`" not in page} == set()
