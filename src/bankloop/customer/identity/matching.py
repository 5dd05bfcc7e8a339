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
import pyarrow as pa

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
_DOCUMENT = ("document_l = document_r", "levenshtein(document_l, document_r) <= 1")
# Passports and permits are renewed under other numbers: only two identity cards speak against each other.
_DOCUMENT_NULL = (
    "document_l IS NULL OR document_r IS NULL OR document_type_l <> document_type_r "
    "OR (document_type_l <> 'id_card' AND document_l <> document_r)"
)
_GENDER = ("gender_l = gender_r",)


@dataclass(frozen=True, slots=True)
class ComparedField:
    """A field compared: its levels in SQL from the best down, and when there is nothing to compare."""

    name: str
    levels: tuple[str, ...]
    null: str = ""
    frequency: str = ""  # the column whose value's rarity weighs in at the first level

    def comparison(self) -> dict[str, Any]:
        """Return the field as Splink reads it."""
        null = self.null or f"{self.name}_l IS NULL OR {self.name}_r IS NULL"
        levels: list[dict[str, Any]] = [
            {"sql_condition": null, "label_for_charts": "null", "is_null_level": True},
            *({"sql_condition": sql, "label_for_charts": f"{n}"} for n, sql in enumerate(self.levels)),
            {"sql_condition": "ELSE", "label_for_charts": "else"},
        ]
        if self.frequency:
            levels[1] |= {"tf_adjustment_column": self.frequency, "tf_adjustment_weight": 1.0}
        return {"output_column_name": self.name, "comparison_levels": levels}


@dataclass(frozen=True, slots=True)
class MatchSpec:
    """What is compared: fields, the columns of which two records must share some to be compared, and how to learn it.

    ``blocks``, ``learn`` and ``sure`` are sets of columns that are equal in both records; ``sure`` hardly errs and finds
    about ``sure_recall`` of all doubles.
    """

    fields: tuple[ComparedField, ...]
    blocks: tuple[tuple[str, ...], ...]
    learn: tuple[tuple[str, ...], ...]
    sure: tuple[tuple[str, ...], ...]
    sure_recall: float = 0.7
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
    ),
    (("sound", "birth"), ("phone", "sound"), ("document",)),
    (("document", "sound"), ("phone", "birth", "sound")),
    0.8,
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
    """Return the model learned from records: the prior from what is sure, u from random pairs, m by EM."""
    linker = _linker(connection, table, _settings(spec))
    training = linker.training
    training.estimate_probability_two_random_records_match([_rule(x) for x in spec.sure], recall=spec.sure_recall)
    training.estimate_u_using_random_sampling(max_pairs=SAMPLE_PAIRS, seed=_SEED, num_chunks=1)
    for columns in spec.learn:
        training.estimate_parameters_using_expectation_maximisation(_rule(columns), record_sample_proportion=1.0)
    found = linker.misc.save_model_to_json()
    levels = {one["output_column_name"]: _bounded(one["comparison_levels"]) for one in found["comparisons"]}
    return Model(float(found["probability_two_random_records_match"]), levels, tuple(common))


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
    key = spec.unique_id
    some = f" AND (l.{fresh} OR r.{fresh})" if fresh else ""
    rules = " UNION ".join(
        f"SELECT l.{key} AS a, r.{key} AS b FROM blocked l JOIN blocked r ON {_rule(columns)} WHERE l.{key} < r.{key}{some}"
        for columns in spec.blocks
    )
    try:
        return int(connection.execute(f"SELECT count(*) FROM ({rules})").fetchall()[0][0])
    finally:
        connection.unregister("blocked")


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


def _bounded(levels: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, float], ...]:
    """Return m and u within bounds; a level that no double of the sample shows says nothing either way."""
    found = []
    for one in levels:
        if not one.get("is_null_level"):
            m, u = one.get("m_probability"), max(one.get("u_probability") or RAREST_U, RAREST_U)
            found.append((u if m is None else max(m, RAREST_M), u))
    return tuple(found)


def _linker(connection: duckdb.DuckDBPyConnection, table: pa.Table, settings: dict[str, Any]) -> Linker:
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    return Linker(DuckDBAPI(connection).register(table), settings, log_level=logging.ERROR)
