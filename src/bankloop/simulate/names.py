"""Fictional names and numbers as columns of text: built from dictionaries and arithmetic, never row by row.

Phones lie in the block 142, which no operator has given out to people; identity numbers carry the province code 99,
which does not exist, with a correct check digit. No one alive can own either.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.simulate.draw import Bools, Ints

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余"
    "于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙"
    "黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔汤"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英华玉萍红鹏飞燕宁波浩宇轩梓涵欣怡"
    "佳琪子墨俊熙诗雨晨思远嘉文博雅婷晓峰志国建海云龙春生文彬丹丽君雪梅慧颖凯旋睿"
)
CITIES = ("泉江", "临江", "云水", "青田湾", "南屏", "东港", "北岭", "西河", "长汀口", "白鹭", "石桥", "金沙洲", "凤凰")
CITIES_EN = (
    "Quanjiang",
    "Linjiang",
    "Yunshui",
    "Qingtianwan",
    "Nanping",
    "Donggang",
    "Beiling",
    "Xihe",
    "Changtingkou",
    "Bailu",
    "Shiqiao",
    "Jinshazhou",
    "Fenghuang",
)
STREETS = (
    "中山路",
    "解放路",
    "滨江",
    "城东",
    "城西",
    "开发区",
    "大学城",
    "火车站",
    "人民广场",
    "新区",
    "老街",
    "湖滨",
    "体育馆",
    "西郊",
    "学府",
)
STREETS_EN = (
    "Zhongshan Road",
    "Jiefang Road",
    "Riverside",
    "East Town",
    "West Town",
    "Development Zone",
    "University Town",
    "Railway Station",
    "People's Square",
    "New District",
    "Old Street",
    "Lakeside",
    "Stadium",
    "West Suburb",
    "Xuefu",
)
TRADES = ("机械", "电子", "纺织", "食品", "建材", "物流", "医药", "教育")
TRADES_EN = ("machinery", "electronics", "textiles", "food", "building materials", "logistics", "medicine", "education")
SHOPS = ("餐饮", "便利", "服装", "药店", "水果", "五金", "美容", "教培")
_PHONE_BLOCK = 14_200_000_000
_PHONES = 10**8
_SPREAD = 61_803_399  # coprime to 10^8: consecutive customers get far-apart, distinct numbers
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def people_names(rng: np.random.Generator, count: int) -> pa.Array:
    """Return Chinese names: a surname, common ones more often, and one or two given characters."""
    surname = np.minimum((rng.random(count) ** 1.8 * len(SURNAMES)).astype(np.int64), len(SURNAMES) - 1)
    given = sorted(set(GIVEN))
    pairs = pa.array([*given, *(a + b for a in given for b in given)])
    size = len(given)
    single = rng.random(count) < 0.18
    chosen = np.where(single, rng.integers(0, size, count), size + rng.integers(0, size * size, count))
    return pc.binary_join_element_wise(
        pa.array(list(SURNAMES)).take(pa.array(surname)), pairs.take(pa.array(chosen)), ""
    )


def customer_numbers(count: int) -> pa.Array:
    """Return ``C00000001`` and on."""
    return numbered("C", np.arange(1, count + 1), 8)


def numbered(prefix: str, number: Ints, width: int) -> pa.Array:
    """Return ``prefix`` and the zero-padded numbers."""
    digits = fixed_digits(number, width)
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    return text_of(np.hstack([np.broadcast_to(head, (len(number), len(head))), digits]))


def phones(count: int, shift: int) -> pa.Array:
    """Return distinct phone numbers of eleven digits, out of any operator's blocks."""
    return text_of(fixed_digits(_PHONE_BLOCK + (np.arange(count) * _SPREAD + shift) % _PHONES, 11))


def identity_numbers(rng: np.random.Generator, birth_day: Ints, female: Bools) -> pa.Array:
    """Return identity numbers of eighteen places with a correct check digit (GB 11643), province code 99."""
    count = len(birth_day)
    digits = np.empty((count, 18), dtype=np.uint8)
    digits[:, :6] = fixed_digits(990_000 + rng.integers(101, 999, count), 6)
    digits[:, 6:14] = fixed_digits(compact_days(birth_day), 8)
    digits[:, 14:17] = fixed_digits(rng.integers(0, 500, count) * 2 + ~female, 3)
    digits[:, 17] = _CHECKS[((digits[:, :17].astype(np.int64) - 48) @ _WEIGHTS) % 11]
    return text_of(digits)


def compact_days(days: Ints) -> Ints:
    """Return days since 1970 as yyyymmdd."""
    moment = days.astype("datetime64[D]")
    month = moment.astype("datetime64[M]")
    year = month.astype("datetime64[Y]").astype(np.int64) + 1970
    day = (moment - month.astype("datetime64[D]")).astype(np.int64) + 1
    return np.asarray(year * 10_000 + (month.astype(np.int64) % 12 + 1) * 100 + day, dtype=np.int64)


def fixed_digits(number: Ints, width: int) -> np.ndarray:
    """Return the decimal digits as ASCII, one row a number."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return ((np.asarray(number)[:, None] // powers) % 10 + 48).astype(np.uint8)


def hex_tokens(values: np.ndarray, prefix: str) -> pa.Array:
    """Return ``prefix`` and sixteen hexadecimal places of 64-bit values."""
    octets = values.astype(">u8").view(np.uint8).reshape(len(values), 8)
    nibbles = np.empty((len(values), 16), dtype=np.uint8)
    nibbles[:, ::2], nibbles[:, 1::2] = _HEX[octets >> 4], _HEX[octets & 15]
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    return text_of(np.hstack([np.broadcast_to(head, (len(values), len(head))), nibbles]))


def text_of(octets: np.ndarray) -> pa.Array:
    """Return rows of ASCII octets as strings of equal length, without a copy per row."""
    count, width = octets.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    data = np.ascontiguousarray(octets)
    return pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data)).cast(pa.string())


def amounts(fen: Ints) -> pa.Array:
    """Return fen as yuan with two decimals."""
    whole = pa.array(np.asarray(fen) // 100).cast(pa.string())
    return pc.binary_join_element_wise(whole, text_of(fixed_digits(np.asarray(fen) % 100, 2)), ".")


def days_text(days: Ints, known: Bools | None = None) -> pa.Array:
    """Return days since 1970 as yyyymmdd, empty where not ``known``."""
    text = text_of(fixed_digits(compact_days(days), 8))
    return text if known is None else pc.if_else(pa.array(known), text, "")


def flags(mask: Bools) -> pa.Array:
    """Return 1 or 0 as text."""
    return pa.array(["0", "1"]).take(pa.array(mask.astype(np.int64)))
