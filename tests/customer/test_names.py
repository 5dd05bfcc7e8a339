"""Names made comparable: one spelling of each character, one number for what sounds alike."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bankloop.customer.identity import normal_value
from bankloop.customer.identity.golden import Sourced, golden
from bankloop.customer.identity.marks import KINDS, masked
from bankloop.customer.identity.names import plain_names, sounds
from tests.customer.conftest import DAY


def sound(name: str) -> int | None:
    found: int | None = sounds(plain_names(pa.array([name])))[0].as_py()
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("歐陽娜", "欧阳娜"),
        ("欧阳娜", "OUYANG NA"),
        ("欧阳娜", "Na Ouyang"),
        ("王䶮", "王YAN"),
        ("单雄信", "SHAN, Xiongxin"),
        ("吕布", "LV BU"),
        ("José Núñez", "NUNEZ JOSE"),
        ("张　伟", "张·伟"),
    ],
)
def test_one_name_written_two_ways_sounds_the_same(one: str, other: str) -> None:
    assert sound(one) == sound(other)


def test_another_name_sounds_otherwise() -> None:
    assert len({sound(name) for name in ("王小明", "王小红", "张伟", "李伟", "王")}) == 5


@given(st.lists(st.one_of(st.none(), st.text(max_size=50)), max_size=20))
def test_every_name_has_its_own_place_and_nothing_breaks(names: list[str | None]) -> None:
    whole = plain_names(pa.array(names, pa.string()))
    each = [plain_names(pa.array([name], pa.string()))[0].as_py() for name in names]
    assert whole.to_pylist() == each
    assert sounds(whole).to_pylist() == [sounds(pa.array([one], pa.string()))[0].as_py() for one in each]


@given(st.sampled_from(KINDS), st.text(min_size=1, max_size=30))
@example("email", "A\u00b4")
@example("address", "\u0130")
@example("address", "\u1100-\u1161")
def test_normalising_twice_is_normalising_once(kind: str, value: str) -> None:
    once = normal_value(kind, value)
    assert normal_value(kind, once) == once


@given(st.sampled_from(["phone", "id_card", "account", "passport", "birth"]), st.from_regex(r"\A[0-9]{8,19}\Z"))
def test_a_masked_value_hides_at_least_four_places(kind: str, value: str) -> None:
    assert sum(
        a != b for a, b in zip(masked(kind, value).ljust(len(value)), value, strict=False)
    ) >= 4 or "***" in masked(kind, value)


@given(st.permutations(["core", "card", "app", "wealth"]))
def test_survivors_do_not_depend_on_the_order_of_records(order: list[str]) -> None:
    records = {
        "core": Sourced("C1", "core", DAY, {"name": "王小明", "birth": "19900504", "phone": "1"}),
        "card": Sourced("P2", "card", DAY, {"name": "WANG XIAOMING", "birth": "19900505", "phone": "2"}),
        "app": Sourced("P3", "app", DAY.replace(day=30), {"birth": "19900505", "phone": "3"}),
        "wealth": Sourced("P4", "wealth", DAY, {"document_type": "passport", "document_no": "E1"}),
    }
    found = {one.field: (one.value, one.rule) for one in golden([records[source] for source in order])}
    assert found == {
        "name": ("王小明", "trusted"),
        "birth": ("19900505", "most_say"),
        "phone": ("3", "newest"),
        "document_type": ("passport", "trusted"),
        "document_no": ("E1", "trusted"),
    }
