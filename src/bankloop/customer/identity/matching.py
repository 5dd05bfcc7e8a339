"""Probabilistic linking with Splink (Fellegi and Sunter) on DuckDB: which fields are compared how, and what pairs weigh.

The parameters are a model: learned once from the bank's own records, kept, and used as they are until they are learned
again. Splink is imported where it is used.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bankloop.customer.identity.expectation import NOTHING, find_doubles

if TYPE_CHECKING:
    from splink import Linker

ID = "customer_no"
PAIRS = pa.schema(
    [
        ("a", pa.string()),
        ("b", pa.string()),
        ("weight", pa.float64()),
        ("bits", pa.list_(pa.float32())),
        ("bare", pa.float64()),
    ]
)

# One comparison a field: its levels from the best down, as SQL over the columns of both records; the last is "else".
_NAME = (
    "name_l = name_r AND NOT common_l",
    "name_l = name_r",
    "sound_l = sound_r AND NOT common_l",
    "sound_l = sound_r",
    # A character of three bytes differs, or a letter or two, and both begin alike.
    "left(name_l, 1) = left(name_r, 1) AND levenshtein(name_l, name_r) <= 3 AND length(name_l) > 1 AND length(name_r) > 1",
)
_BIRTH = ("birth_l = birth_r", "levenshtein(birth_l, birth_r) <= 1", "left(birth_l, 4) = left(birth_r, 4)")
_PHONE = ("phone_l = phone_r", "levenshtein(phone_l, phone_r) <= 1")
_EMAIL = ("email_l = email_r", "split_part(email_l, '@', 1) = split_part(email_r, '@', 1)")
_ADDRESS = (
    "address_l = address_r OR place_l = place_r",
    "jaro_winkler_similarity(place_l, place_r) >= 0.9",
)
# The cards of twins differ in two places, as the check digit follows; one place is a slip.
_SLIP = "levenshtein(written_l, written_r) <= 1"
_DOCUMENT = ("document_l = document_r", _SLIP)
# Passports and permits are renewed under other numbers: only two identity cards speak against each other. What is in
# doubt may be a slip of what is in none, and says nothing else.
_DOCUMENT_NULL = (
    "written_l IS NULL OR written_r IS NULL OR document_type_l <> document_type_r "
    "OR (document_type_l <> 'id_card' AND written_l <> written_r) OR (document_l IS NULL AND document_r IS NULL) "
    f"OR ((document_l IS NULL OR document_r IS NULL) AND NOT {_SLIP})"
)
_GENDER = ("gender_l = gender_r",)


@dataclass(frozen=True, slots=True)
class ComparedField:
    """A field compared: its levels in SQL from the best down, and when there is nothing to compare."""

    name: str
    levels: tuple[str, ...]
    null: str = ""
    frequency: str = ""  # the column whose value's rarity weighs in at the first level

    @property
    def nothing(self) -> str:
        """Return the condition that there is nothing to compare."""
        return self.null or f"{self.name}_l IS NULL OR {self.name}_r IS NULL"

    @property
    def level(self) -> str:
        """Return which level a pair reaches in SQL: 0 the best, −1 where there is nothing to compare."""
        reached = " ".join(f"WHEN {sql} THEN {place}" for place, sql in enumerate(self.levels))
        return f"CASE WHEN {self.nothing} THEN {NOTHING} {reached} ELSE {len(self.levels)} END"

    def comparison(self) -> dict[str, Any]:
        """Return the field as Splink reads it."""
        levels: list[dict[str, Any]] = [
            {"sql_condition": self.nothing, "label_for_charts": "null", "is_null_level": True},
            *({"sql_condition": sql, "label_for_charts": f"{n}"} for n, sql in enumerate(self.levels)),
            {"sql_condition": "ELSE", "label_for_charts": "else"},
        ]
        if self.frequency:
            levels[1] |= {"tf_adjustment_column": self.frequency, "tf_adjustment_weight": 1.0}
        return {"output_column_name": self.name, "comparison_levels": levels}


@dataclass(frozen=True, slots=True)
class MatchSpec:
    """What is compared: fields, and ``blocks``, sets of columns of which two records must share one to be compared."""

    fields: tuple[ComparedField, ...]
    blocks: tuple[tuple[str, ...], ...]
    unique_id: str = ID


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned: the chance that two records taken at random are of one person, and m and u of every level.

    ``levels`` is (m, u) by field from the best level down; ``common`` the sounds of names that many bear.
    """

    prior: float
    levels: Mapping[str, tuple[tuple[float, float], ...]]
    common: tuple[int, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return the model as JSON keeps it."""
        levels = {name: [list(pair) for pair in pairs] for name, pairs in self.levels.items()}
        return {"prior": self.prior, "levels": levels, "common": list(self.common)}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Model:
        """Return the model of its JSON form."""
        levels = {name: tuple((m, u) for m, u in pairs) for name, pairs in plain["levels"].items()}
        return cls(plain["prior"], levels, tuple(plain["common"]))


BANK = MatchSpec(
    (
        ComparedField("name", _NAME),
        ComparedField("birth", _BIRTH),
        ComparedField("phone", _PHONE),
        ComparedField("email", _EMAIL),
        ComparedField("address", _ADDRESS),
        ComparedField("document", _DOCUMENT, _DOCUMENT_NULL),
        ComparedField("gender", _GENDER),
    ),
    (
        ("sound", "birth"),
        ("phone", "birth"),
        ("phone", "sound"),
        ("document",),
        ("email",),
        ("place", "birth"),
        ("place", "sound"),
        # A name or a birth date that is nearly the other's: where nothing else is known, a steward looks at them.
        ("head", "birth"),
        ("sound", "year"),
        ("sound", "month_day"),
    ),
)
# A phone alone never links: what a pair weighs without it is told apart.
PHONE = "phone"
DOCUMENT = "document"
SAMPLE_PAIRS = 500_000
# No level weighs without end: what the sample does not show is still possible.
RAREST_M, RAREST_U = 1e-3, 1e-6
_SEED = 1


def shipped_model() -> Model:
    """Return the model that a bank begins with, learned from simulated registers."""
    return Model.of(json.loads((Path(__file__).parent / "model.json").read_text(encoding="utf-8")))


def learn(
    connection: duckdb.DuckDBPyConnection, table: pa.Table, spec: MatchSpec = BANK, common: Sequence[int] = ()
) -> Model:
    """Return the model learned from records: u from random pairs, the prior and m from all pairs of the blocks."""
    linker = _linker(connection, table, _settings(spec))
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLE_PAIRS, seed=_SEED, num_chunks=1)
    chances = {one["output_column_name"]: _chances(one) for one in linker.misc.save_model_to_json()["comparisons"]}
    u = [np.array(chances[field.name]) for field in spec.fields]
    patterns, counts = _patterns(connection, table, spec)
    pairs = table.num_rows * (table.num_rows - 1) / 2
    found = find_doubles(patterns, counts, u, pairs)
    levels = {
        field.name: tuple((max(float(m), RAREST_M), float(x)) for m, x in zip(found.m[at], u[at], strict=True))
        for at, field in enumerate(spec.fields)
    }
    return Model(max(found.doubles, 1.0) / max(pairs, 1.0), levels, tuple(common))


def _chances(comparison: Mapping[str, Any]) -> tuple[float, ...]:
    """Return u of each level, the best first; a level that the sample does not show is still possible."""
    levels = [one for one in comparison["comparison_levels"] if not one.get("is_null_level")]
    found = np.array([max(one.get("u_probability") or RAREST_U, RAREST_U) for one in levels])
    return tuple((found / found.sum()).tolist())


def _patterns(
    connection: duckdb.DuckDBPyConnection, table: pa.Table, spec: MatchSpec
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ``patterns_of`` of all pairs that the blocks bring together."""
    key = spec.unique_id
    pairs = f"({_blocked(spec)}) p JOIN blocked l ON l.{key} = p.a JOIN blocked r ON r.{key} = p.b"
    connection.register("blocked", table)
    try:
        return patterns_of(connection, spec.fields, table.column_names, pairs)
    finally:
        connection.unregister("blocked")


def patterns_of(
    connection: duckdb.DuckDBPyConnection, fields: Sequence[ComparedField], columns: Sequence[str], pairs: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which level of each field pairs reach (p, k), 0 the best and −1 for nothing to compare, and how many do (p,).

    ``pairs`` is what stands in FROM: records ``l`` beside records ``r``, each with ``columns``.
    """
    sides = ", ".join(f"{side}.{column} AS {column}_{side}" for column in columns for side in "lr")
    levels = ", ".join(f"{field.level} AS level_of_{field.name}" for field in fields)
    query = f"SELECT {levels}, count(*) FROM (SELECT {sides} FROM {pairs}) GROUP BY ALL ORDER BY ALL"
    found = np.array(connection.execute(query).fetchall(), np.int64).reshape(-1, len(fields) + 1)
    return found[:, :-1], found[:, -1]


def weigh(
    connection: duckdb.DuckDBPyConnection,
    table: pa.Table,
    model: Model,
    least: float,
    spec: MatchSpec = BANK,
    fresh: str = "",
) -> pa.Table:
    """Return ``PAIRS`` that weigh at least ``least`` bits: weight, bits by field, weight without the phone.

    ``fresh`` names a boolean column: only pairs with such a record are compared.
    """
    linker = _linker(connection, table, _settings(spec, model, fresh))
    found = linker.inference.predict(threshold_match_weight=least, warning_mode="never")
    names = [field.name for field in spec.fields]
    bits = ", ".join(f"mw_{name}::FLOAT" for name in names)
    bare = "match_weight" + (f" - mw_{PHONE}" if PHONE in names else "")
    key = spec.unique_id
    query = (
        f"SELECT least({key}_l, {key}_r) AS a, greatest({key}_l, {key}_r) AS b, match_weight AS weight, "
        f"[{bits}] AS bits, {bare} AS bare FROM {found.physical_name} ORDER BY weight DESC, a, b"
    )
    return connection.sql(query).to_arrow_table().cast(PAIRS)


def compared(connection: duckdb.DuckDBPyConnection, table: pa.Table, spec: MatchSpec = BANK, fresh: str = "") -> int:
    """Return how many different pairs the blocks bring together."""
    connection.register("blocked", table)
    try:
        return int(connection.execute(f"SELECT count(*) FROM ({_blocked(spec, fresh)})").fetchall()[0][0])
    finally:
        connection.unregister("blocked")


def _blocked(spec: MatchSpec, fresh: str = "") -> str:
    """Return the query for the different pairs (a, b) that the blocks bring together, of the table ``blocked``."""
    key = spec.unique_id
    some = f" AND (l.{fresh} OR r.{fresh})" if fresh else ""
    return " UNION ".join(
        f"SELECT l.{key} AS a, r.{key} AS b FROM blocked l JOIN blocked r ON {_rule(columns)} WHERE l.{key} < r.{key}{some}"
        for columns in spec.blocks
    )


def _settings(spec: MatchSpec, model: Model | None = None, fresh: str = "") -> dict[str, Any]:
    comparisons = [field.comparison() for field in spec.fields]
    levels = {} if model is None else model.levels
    for one in comparisons if model is not None else ():
        for level, (m, u) in zip(one["comparison_levels"][1:], levels[one["output_column_name"]], strict=True):
            level |= {"m_probability": m, "u_probability": u}
    some = f" AND (l.{fresh} OR r.{fresh})" if fresh else ""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": spec.unique_id,
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [_rule(columns) + some for columns in spec.blocks],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        **({"probability_two_random_records_match": model.prior} if model is not None else {}),
    }


def _rule(columns: Sequence[str]) -> str:
    return " AND ".join(f"l.{column} = r.{column}" for column in columns)


def _linker(connection: duckdb.DuckDBPyConnection, table: pa.Table, settings: dict[str, Any]) -> Linker:
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    return Linker(DuckDBAPI(connection).register(table), settings, log_level=logging.ERROR)
