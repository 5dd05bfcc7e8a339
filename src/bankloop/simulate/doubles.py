"""Registers in which some people stand more than once, as several source systems wrote them, and who they truly are.

What a clerk, a form or forty years change is drawn with stated shares: traditional characters, pinyin in either order, a
rare character spelt out, a homophone, a mistyped day, a new phone, a moved household, a passport instead of an identity
card. Beside the doubles stand those who only look like one: twins, families on one phone, a phone given out again,
namesakes born on the same day. The truth is a table of its own and goes nowhere near the records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.simulate import names
from bankloop.simulate.people import day_number
from bankloop.simulate.streams import Streams

DOUBLES = 0.10
SOURCES = ("card", "wealth", "app", "loan")
_TWINS, _FAMILIES, _RECYCLED, _NAMESAKES = 0.005, 0.04, 0.02, 0.002
_FIRST_BIRTH, _LAST_BIRTH = "1938-01-01", "2007-12-31"
_TRADITIONAL = str.maketrans(
    "张刘陈杨赵吴孙马罗郑谢许韩邓冯肖叶苏吕卢钟谭陆贾邹侯闫龙陶贺顾龚邵万钱严汤伟丽强军艳娟涛兰刚华红鹏飞宁国云龙宇轩诗远晓建彬颖凯",
    "張劉陳楊趙吳孫馬羅鄭謝許韓鄧馮蕭葉蘇呂盧鍾譚陸賈鄒侯閆龍陶賀顧龔邵萬錢嚴湯偉麗強軍艷娟濤蘭剛華紅鵬飛寧國雲龍宇軒詩遠曉建彬穎凱",
)
_HOMOPHONES = str.maketrans(
    "伟娜敏静丽强军洋勇艳娟涛明超秀霞平英华玉红鹏波浩宇轩佳琪晨思嘉文博雅",
    "维那民敬莉墙君扬永燕捐滔鸣朝绣侠萍瑛桦钰虹朋博皓雨宣嘉奇辰丝佳雯波亚",
)
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Registers:
    """``records``: one row a source record; ``truth``: (source_key, person), the rows in another order."""

    records: pa.Table
    truth: pa.Table


def draw_registers(count: int, seed: int) -> Registers:
    """Return ``count`` source records of which a tenth are of somebody who is there already."""
    rng = Streams(seed).generator("doubles")
    doubles = round(count * DOUBLES)
    people = _look_alikes(_people(count - doubles, rng), rng)
    whose = rng.choice(people.num_rows, doubles, replace=True)
    again = [_again(row, rng) for row in people.take(pa.array(whose)).to_pylist()]
    records = pa.concat_tables([people, pa.Table.from_pylist(again, people.schema)])
    keys = names.numbered("R", np.arange(1, count + 1), 9)
    person = names.numbered("P", np.concatenate([np.arange(people.num_rows), whose]), 9)
    order = pa.array(rng.permutation(count))
    shuffled = records.append_column("source_key", keys).take(order)
    truth = pa.table({"source_key": keys, "person": person}).take(pa.array(rng.permutation(count)))
    return Registers(shuffled, truth)


def _people(count: int, rng: np.random.Generator) -> pa.Table:
    first, last = (day_number(np.datetime64(d).astype(object)) for d in (_FIRST_BIRTH, _LAST_BIRTH))
    born = rng.integers(first, last + 1, count)
    female = rng.random(count) < 0.5
    phone = names.phones(count, int(rng.integers(0, 10**8)))
    mail = names.numbered("kh", rng.permutation(count), 8)
    address = [
        f"{names.CITIES[c]}市{names.STREETS[s]}{n}号{b}栋{r}室"
        for c, s, n, b, r in zip(
            rng.integers(0, len(names.CITIES), count).tolist(),
            rng.integers(0, len(names.STREETS), count).tolist(),
            rng.integers(1, 400, count).tolist(),
            rng.integers(1, 20, count).tolist(),
            rng.integers(101, 2500, count).tolist(),
            strict=True,
        )
    ]
    return pa.table(
        {
            "source": ["core"] * count,
            "name": names.people_names(rng, count),
            "birth": names.days_text(born),
            "gender": pa.array(["M", "F"]).take(pa.array(female.astype(np.int64))),
            "phone": _some(phone, rng, 0.95),
            "email": _some(pc.binary_join_element_wise(mail, pa.scalar("mail.example"), "@"), rng, 0.5),
            "address": _some(pa.array(address), rng, 0.9),
            "document_type": ["id_card"] * count,
            "document_no": names.identity_numbers(rng, born, female),
        }
    )


def _some(column: pa.Array, rng: np.random.Generator, share: float) -> pa.Array:
    return pc.if_else(pa.array(rng.random(len(column)) < share), column, pa.scalar(None, pa.string()))


def _look_alikes(people: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Let some people share what others have without being them."""
    n = people.num_rows
    twins, families = _marked(n, _TWINS, rng), _marked(n, _FAMILIES, rng)
    recycled, namesakes = _marked(n, _RECYCLED, rng), _marked(n, _NAMESAKES, rng)
    other = (np.arange(n) + 1 + rng.integers(0, max(n // 2, 1), n)) % n
    taken = people.take(pa.array(other))
    surname = pc.utf8_slice_codeunits(taken["name"], 0, 1)
    given = pc.utf8_slice_codeunits(people["name"], 1)
    related = pc.binary_join_element_wise(surname, given, "")
    shared = {
        "name": [(twins | families, related), (namesakes, taken["name"])],
        "birth": [(twins | namesakes, taken["birth"])],
        "address": [(twins | families, taken["address"])],
        "phone": [(families | recycled, taken["phone"])],
        "gender": [(twins | namesakes, taken["gender"])],
    }
    for column, parts in shared.items():
        for mask, value in parts:
            fresh = pc.if_else(pa.array(mask), value, people[column])
            people = people.set_column(people.schema.get_field_index(column), column, fresh)
    return people


def _marked(n: int, share: float, rng: np.random.Generator) -> np.ndarray:
    return rng.random(n) < share


def _again(row: Row, rng: np.random.Generator) -> Row:
    """Return the same person as another system, another year or another clerk wrote them."""
    luck = rng.random(12).tolist()
    found = {**row, "source": SOURCES[int(luck[0] * len(SOURCES))], "name": _written(row["name"], luck[1], luck[2])}
    found["birth"] = None if luck[3] < 0.04 else _mistyped(row["birth"], luck[4]) if luck[3] < 0.07 else row["birth"]
    found["phone"] = None if luck[5] < 0.06 else _fresh_phone(luck[6]) if luck[5] < 0.26 else row["phone"]
    found["email"] = None if luck[7] < 0.5 else row["email"]
    found["address"] = _rewritten(row["address"], luck[8], luck[9])
    # Accounts are opened under real names: only leads and app users come without a document.
    if luck[10] < 0.12:
        found |= {"document_type": None, "document_no": None}
    elif luck[10] < 0.25:
        found |= {"document_type": "passport", "document_no": f"E{int(luck[11] * 10**8):08d}"}
    elif luck[10] < 0.30:
        found["document_no"] = _mistyped(row["document_no"], luck[11])
    return found


def _written(name: str, kind: float, luck: float) -> str:
    """Write a name as it stands in four of five records, else in one of the ways in which names vary."""
    return name if kind > 0.20 else written_otherwise(name, luck)


def written_otherwise(name: str, luck: float) -> str:
    """Write a name in one of the ways in which names vary."""
    ways: tuple[Callable[[str], str], ...] = (
        lambda n: n.translate(_TRADITIONAL),
        lambda n: " ".join([_pinyin(n[0]), "".join(map(_pinyin, n[1:]))]).upper(),
        lambda n: f"{''.join(map(_pinyin, n[1:])).capitalize()} {_pinyin(n[0]).capitalize()}",
        lambda n: n[:-1] + _pinyin(n[-1]).upper(),
        lambda n: n[0] + n[1:].translate(_HOMOPHONES),
        lambda n: " ".join(n),
    )
    return ways[int(luck * len(ways))](name)


@cache
def _pinyin(character: str) -> str:
    from pypinyin import lazy_pinyin

    return str(lazy_pinyin(character)[0])


def _mistyped(digits: str, luck: float) -> str:
    place = 4 + int(luck * (len(digits) - 5))
    return digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]


def _fresh_phone(luck: float) -> str:
    return f"143{int(luck * 10**8):08d}"


def _rewritten(address: str | None, kind: float, luck: float) -> str | None:
    if address is None or kind < 0.10:
        return None
    if kind < 0.30:
        return f"{names.CITIES[int(luck * 13)]}市{names.STREETS[int(luck * 15)]}{int(luck * 400) + 1}号"
    if kind < 0.45:
        return address.split("市", 1)[1]
    if kind < 0.55:
        return address.translate(_FULL_WIDTH).replace("室", "")
    return address
