"""Documents cannot drift: what the code has is documented, what the documents name exists, what is generated is current."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
WITH_LINKS = [ROOT / "README.md", *PAGES]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_REGISTRIES = re.compile(
    r"https?://[^\s)>]*(pypi|pythonhosted|anaconda|npmjs|conda|mirrors?\.|/simple\b)", re.IGNORECASE
)


@cache
def scripts(name: str) -> ModuleType:
    """Return a module of scripts/, which is on no path of its own."""
    sys.path.insert(0, str(ROOT / "scripts"))
    return importlib.import_module(name)


@cache
def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_capability_has_a_name_and_its_places_are_there() -> None:
    assert scripts("pages.capabilities").faults() == []
    for language in ("", ".zh"):
        rows = [line for line in page(f"capabilities{language}.md").splitlines() if line.startswith("| ")][1:]
        assert len(rows) == len(scripts("pages.capabilities").capabilities())
        assert [row for row in rows if re.match(r"\| [A-H]\d+ ", row)] == []
        for row in rows:
            where, shown = row.removesuffix(" |").split(" | ")[-2:]
            assert re.match(r"`/|\[`bankloop ", where), row
            assert re.match(r"\[`tests/[^`]*`\]\(\.\./tests/\w", shown), row


def test_every_command_and_option_is_documented() -> None:
    text = page("reference/commands.md")
    for command in scripts("pages.commands").commands():
        section = text.split(f"\n## {command.path}\n", 1)
        assert len(section) == 2, f"{command.path} is not documented"
        body = section[1].split("\n## ", 1)[0]
        assert command.help, f"{command.path} has no help"
        for parameter in command.parameters:
            assert parameter.help, f"{command.path} {parameter.shown} has no help"
            for name in parameter.names or (parameter.shown,):
                assert f"`{name}`" in body, f"{command.path} {name} is not documented"


def test_every_field_of_the_files_is_documented() -> None:
    text = page("reference/campaign-file.md")
    for models in scripts("pages.campaign_file").spec_models().values():
        for model in models:
            section = re.split(rf"\n##+ {model.__name__}\n", text, maxsplit=1)
            assert len(section) == 2, f"{model.__name__} is not documented"
            body = re.split(r"\n##+ ", section[1], maxsplit=1)[0]
            assert model.__doc__, f"{model.__name__} has no docstring"
            for key, field in model.model_fields.items():
                assert f"| `{field.alias or key}` |" in body, f"{model.__name__}.{key} is not documented"


def test_every_attribute_is_documented() -> None:
    from bankloop.customer.catalogue import read_catalogue

    text = page("reference/attributes.md")
    missing = [name for name in read_catalogue().attributes if f"| `{name}` |" not in text]
    assert missing == []


def test_every_error_is_documented_in_both_languages() -> None:
    text = page("reference/errors.md")
    found = scripts("pages.refusals").refusals()
    assert len(found) > 100
    assert [one.code for one in found if f"| `{one.code}` |" not in text] == []
    assert [one.code for one in found if not one.zh or not one.en] == []


def test_every_error_raised_in_the_source_is_found() -> None:
    """A plain search, so that a form of raising that the scan does not know is noticed."""
    known = {one.code for one in scripts("pages.refusals").refusals()}
    raised = re.compile(r'(?:Error|Fault)\(\s*"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"')
    for path in sorted((ROOT / "src").rglob("*.py")):
        for code in raised.findall(path.read_text(encoding="utf-8")):
            assert code in known, f"{path.name}: {code}"


def test_every_setting_is_documented() -> None:
    found = scripts("pages.commands").settings()
    assert {"BANKLOOP_DATABASE_URL", "BANKLOOP_STATE_DIR", "BANKLOOP_LANG"} <= set(found)
    assert [name for name in found if name not in scripts("pages.commands").SETTINGS] == []
    assert [name for name in found if f"| `{name}` |" not in page("reference/commands.md")] == []


@pytest.mark.parametrize("path", WITH_LINKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_inside_resolve(path: Path) -> None:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for match in _LINK.finditer(text):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        assert place.exists(), f"{target} does not exist"
        if anchor and place.suffix == ".md":
            assert anchor in _anchors(place), f"{target}: no such heading"


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^a-z0-9\s-]", "", h.lower()).strip()) for h in headings}


@pytest.mark.parametrize("path", WITH_LINKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_link_to_a_registry(path: Path) -> None:
    assert _REGISTRIES.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_every_page_is_in_the_navigation(path: Path) -> None:
    original = path.relative_to(DOCS).as_posix().replace(".zh.md", ".md")
    assert f": {original}\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WITH_LINKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_command_lines_name_what_exists(path: Path) -> None:
    commands = {command.path: command for command in scripts("pages.commands").commands()}
    for line in _command_lines(path.read_text(encoding="utf-8")):
        words = shlex.split(line, comments=True)[1:]
        name = next((n for n in (" ".join(words[:2]), *words[:1]) if n in commands), None)
        assert name is not None or words[0].startswith("-"), f"no such command: {line}"
        if name is not None:
            options = {option for parameter in commands[name].parameters for option in parameter.names}
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            assert used <= options, f"no such option in: {line}"


def _command_lines(text: str) -> list[str]:
    """Return the lines of unmarked code blocks that run bankloop."""
    lines: list[str] = []
    language: str | None = None
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            language = line.strip().removeprefix("```") if language is None else None
        elif language in ("", "bash", "sh"):
            words = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
            if words.startswith("bankloop "):
                lines.append(words)
    return lines


def test_the_tutorial_has_command_lines() -> None:
    assert len(_command_lines(page("tutorial/first-campaign.md"))) >= 15


def test_the_tutorials_files_pass_the_checks(tmp_path: Path) -> None:
    """The campaign that a reader copies from the page is one that ``bankloop check`` accepts."""
    from bankloop.customer.catalogue import read_catalogue
    from bankloop.kit.errors import BankloopError
    from bankloop.kit.text import Language
    from bankloop.loop.benefit import check_benefits
    from bankloop.loop.script import check_scripts
    from bankloop.loop.spec import read_bank_spec
    from bankloop.simulate.service import write_templates

    write_templates(tmp_path)
    product, script, campaign = re.findall(r"```yaml\n(.*?)```", page("tutorial/first-campaign.md"), re.DOTALL)
    with (tmp_path / "products.yaml").open("a", encoding="utf-8") as file:
        file.write(product)
    (tmp_path / "scripts" / "tier-up.yaml").write_text(script, encoding="utf-8")
    (tmp_path / "campaigns" / "tier-up.yaml").write_text(campaign, encoding="utf-8")
    spec = read_bank_spec(tmp_path, read_catalogue(tmp_path).types)
    check_scripts(spec.scripts.values())
    found = spec.campaigns["tier-up"]
    check_benefits(found, [spec.products[key] for key in found.products], [])
    # What the pages say of a name that is mistyped is what is said.
    (tmp_path / "campaigns" / "tier-up.yaml").write_text(
        campaign.replace("aum between", "aumm between"), encoding="utf-8"
    )
    with pytest.raises(BankloopError) as caught:
        read_bank_spec(tmp_path, read_catalogue(tmp_path).types)
    for language, name in ((Language.EN, "first-campaign.md"), (Language.ZH, "first-campaign.zh.md")):
        assert f"\n{caught.value.code}: {caught.value.say(language)}\n" in page(f"tutorial/{name}")


def test_the_attributes_of_the_how_to_are_accepted(tmp_path: Path) -> None:
    from bankloop.customer.catalogue import read_catalogue

    (written,) = re.findall(r"```yaml\n(.*?)```", page("how-to/add-an-attribute.md"), re.DOTALL)
    (tmp_path / "attributes").mkdir()
    (tmp_path / "attributes" / "own.yaml").write_text(written, encoding="utf-8")
    own = yaml.safe_load(written)["attributes"]
    assert set(own) <= set(read_catalogue(tmp_path).attributes)
