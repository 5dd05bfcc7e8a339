"""Step 5: wording at the word, slots never empty."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankloop.kit.errors import SpecError
from bankloop.kit.text import Language
from bankloop.loop import script
from bankloop.loop.spec import Script
from tests.loop.people import lock_of


def made(body: str, **slots: str) -> Script:
    return Script.model_validate(
        {"format": 1, "script": "sample", "products": ["debit-card-wallet"], "versions": [
            {"version": 1, "state": "approved", "slots": slots, "bodies": {"sms": {"zh": body, "en": "hello"}}}]}
    )  # fmt: skip


@pytest.mark.capability("A6")
def test_guaranteed_principal_is_refused_with_phrase_and_rule_and_its_denial_passes() -> None:
    with pytest.raises(SpecError) as refused:
        script.check_scripts([made("本产品保本保息，欢迎购买")])
    assert refused.value.fields["phrase"] == "保本"
    assert refused.value.fields["rule"] == "W01"
    script.check_scripts([made("本产品非保本浮动收益")])


@pytest.mark.capability("A6")
def test_a_missing_value_takes_the_declared_fallback() -> None:
    chosen = script.choose(lock_of("bind-card"), "debit-card-wallet", "sms")
    assert chosen is not None
    text = chosen.body(Language.ZH, {"name": "", "last4": None})
    assert "客户您好" in text
    assert "****" in text
    assert "{" not in text
    assert "王女士您好，尾号 1234" in chosen.body(Language.ZH, {"name": "王女士", "last4": "1234"})


def test_a_slot_without_a_fallback_is_refused() -> None:
    with pytest.raises(SpecError, match="nickname"):
        script.check_scripts([made("{nickname}您好")])


@pytest.mark.parametrize("text", ["保 本", "保·本", "保\u200b本", "我们 保本！", "ＲＩＳＫ－ＦＲＥＥ", "稳赚　不赔"])
def test_tricks_with_spaces_and_widths_do_not_help(text: str) -> None:
    assert script.check_wording(text)


@pytest.mark.parametrize(
    "text", ["非保本", "非 保本", "不保证收益", "理财非存款，产品有风险", "not risk-free", "并非零风险"]
)
def test_denials_pass(text: str) -> None:
    assert script.check_wording(text) == ()


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_forbidden_phrase_is_found_in_any_company(before: str, after: str) -> None:
    found = script.check_wording(before + "。稳赚不赔" + after)
    assert any(f.phrase.id == "W04" and "稳赚" in f.quoted for f in found)


@pytest.mark.capability("A6")
def test_of_the_approved_versions_the_newest_is_said_and_a_draft_never() -> None:
    lock = lock_of("bind-card")
    (written,) = lock.scripts[0].versions
    earlier, draft = (
        written.model_copy(update={"version": version, "state": state})
        for version, state in ((1, "approved"), (9, "draft"))
    )
    mixed = lock.scripts[0].model_copy(update={"versions": (draft, earlier, written)})
    chosen = script.choose(replace(lock, scripts=(mixed,)), "debit-card-wallet", "sms")
    assert chosen is not None
    assert chosen.label == "bind-card@2"
