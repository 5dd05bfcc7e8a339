"""What a request may hold is bounded, field by field: walked over the whole description and over every body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from bankloop.kit.fields import Day, Fen, Moment, Name, Round
from bankloop.kit.money import MAX_FEN
from bankloop.web.api.dependencies import Body
from bankloop.web.api.schema import described
from bankloop.web.shell.app import create_app
from bankloop.work.jobs import Arguments

Schema = Mapping[str, Any]
BOUNDS = {
    "string": ({"maxLength"}, {"pattern"}, {"enum"}, {"const"}),
    "integer": ({"minimum", "maximum"}, {"enum"}, {"const"}),
    "number": ({"minimum", "maximum"},),
    "array": ({"maxItems"}, {"minItems", "maxItems"}),
}
# By what a value is: a moment between two years, an id of sixteen bytes, a file that the guard and its reader bound.
BY_FORMAT = {"date": {"formatMinimum", "formatMaximum"}, "date-time": {"formatMinimum", "formatMaximum"}, "uuid": set()}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described(create_app(lambda: nullcontext(None)))  # type: ignore[arg-type,return-value]


def unbounded(schema: Schema, parts: Mapping[str, Schema], where: str) -> Iterator[str]:
    """Yield the place of every part of a schema into which anything of any size fits."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        yield from unbounded(parts[name], parts, name)
        return
    if "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from unbounded(one, parts, where)
        return
    kind = schema.get("type")
    inner = [(f"{where}.{name}", one) for name, one in schema.get("properties", {}).items()]
    more = schema.get("additionalProperties", False)
    if isinstance(more, Mapping):
        inner.append((f"{where}.*", more))
    if "items" in schema:
        inner.append((f"{where}[]", schema["items"]))
    for place, one in inner:
        yield from unbounded(one, parts, place)
    if kind is None or (kind == "object" and more is not False and "maxProperties" not in schema):
        yield where
    if kind in BOUNDS and "contentMediaType" not in schema:
        asked = BY_FORMAT.get(schema.get("format", ""))
        ways = BOUNDS[kind] if asked is None else (asked,)
        if not any(way <= schema.keys() for way in ways):
            yield where


def test_no_field_and_no_part_of_an_address_is_without_its_bounds(document: dict[str, Any]) -> None:
    parts, found, walked = document["components"]["schemas"], set(), 0
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            where = f"{method} {path}"
            for given in one.get("parameters", ()):
                walked += 1
                found |= set(unbounded(given["schema"], parts, f"{where} {given['name']}"))
            for sent in one.get("requestBody", {}).get("content", {}).values():
                walked += 1
                found |= set(unbounded(sent["schema"], parts, where))
    assert found == set()
    assert walked > 200


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in base.__subclasses__():
        yield one
        yield from models(one)


@pytest.mark.parametrize("base", [Body, Arguments])
def test_a_number_is_no_day_and_a_yes_is_no_number(base: type[BaseModel]) -> None:
    tried = 0
    for model in models(base):
        for name, schema in model.model_json_schema().get("properties", {}).items():
            kinds = str(schema)
            lenient = [True] if "'integer'" in kinds else [0, 20_240_203] if "'date" in kinds else []
            for value in lenient:
                tried += 1
                with pytest.raises(ValidationError) as caught:
                    model.model_validate({name: [value] if "'array'" in kinds else value})
                assert any(error["loc"][0] == name for error in caught.value.errors()), (model, name)
    assert tried > 3


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        (Day, "2026-06-30", date(2026, 6, 30)),
        (Day, date(2026, 6, 30), date(2026, 6, 30)),
        (Day, "24-02-03", None),
        (Day, "2026-02-30", None),
        (Day, "1899-12-31", None),
        (Moment, "2026-06-30T10:00:00+08:00", datetime(2026, 6, 30, 2, tzinfo=UTC)),
        (Moment, "2026-06-30T02:00:00.000Z", datetime(2026, 6, 30, 2, tzinfo=UTC)),
        (Moment, "2026-06-30T10:00:00", None),
        (Moment, "1750000000", None),
        (Fen, MAX_FEN, MAX_FEN),
        (Fen, MAX_FEN + 1, None),
        (Fen, -1, None),
        (Fen, "1", None),
        (Fen, 1.0, 1),
        (Fen, 1.5, None),
        (Round, 0, None),
        (Name, "", None),
        (Name, "x" * 65, None),
    ],
)
def test_each_kind_is_read_by_its_one_grammar(kind: Any, given: object, read: object) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    if read is not None:
        assert adapter.validate_python(given) == read
        return
    with pytest.raises(ValidationError):
        adapter.validate_python(given)
