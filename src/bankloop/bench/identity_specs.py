"""How the public sets are compared, and the plain Splink models that stand beside ours."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from bankloop.customer import identity
from bankloop.customer.identity import ComparedField, MatchSpec

FEBRL_FILES: Mapping[str, Sequence[str]] = {
    "febrl1": ("dataset1.csv.gz",),
    "febrl2": ("dataset2.csv.gz",),
    "febrl3": ("dataset3.csv.gz",),
    "febrl4": ("dataset4a.csv.gz", "dataset4b.csv.gz"),
}
HISTORICAL_FILE = Path("splink-person") / "historical_figures_with_errors_50k.parquet"
# Odds of four to one: the set has three records of most people, and an error costs a cluster of them, not a customer.
HISTORICAL_BITS = 2.0


def _alike(column: str, *floors: float) -> tuple[str, ...]:
    return tuple(f"jaro_winkler_similarity({column}_l, {column}_r) >= {floor}" for floor in floors)


_TURNED = "(given_l = surname_r AND surname_l = given_r)"
FEBRL = MatchSpec(
    (
        ComparedField("given", (f"given_l = given_r OR {_TURNED}", *_alike("given", 0.85))),
        ComparedField("surname", (f"surname_l = surname_r OR {_TURNED}", *_alike("surname", 0.85))),
        ComparedField("birth", ("birth_l = birth_r", "levenshtein(birth_l, birth_r) <= 2")),
        ComparedField("soc", ("soc_l = soc_r", "levenshtein(soc_l, soc_r) <= 2")),
        ComparedField("street", ("street_l = street_r", *_alike("street", 0.88))),
        ComparedField("suburb", ("suburb_l = suburb_r", *_alike("suburb", 0.88))),
        ComparedField("postcode", ("postcode_l = postcode_r", "levenshtein(postcode_l, postcode_r) <= 2")),
    ),
    (
        ("soc",),
        ("given", "surname"),
        ("birth", "given"),
        ("birth", "surname"),
        ("birth", "postcode"),
        ("birth", "state"),
        ("street", "suburb"),
        ("street", "postcode"),
        ("surname", "suburb"),
        ("surname", "postcode"),
        ("surname", "street"),
        ("given", "postcode"),
        ("given", "street"),
    ),
    "rec_id",
)
HISTORICAL = MatchSpec(
    (
        ComparedField(
            "name",
            (
                "short_name_l = short_name_r",
                "surname_l = surname_r AND jaro_winkler_similarity(given_l, given_r) >= 0.8",
                "surname_l = surname_r AND left(given_l, 2) = left(given_r, 2)",
                "jaro_winkler_similarity(short_name_l, short_name_r) >= 0.92",
                "given_l = given_r AND jaro_winkler_similarity(surname_l, surname_r) >= 0.8",
                "jaro_winkler_similarity(whole_name_l, whole_name_r) >= 0.9",
                "surname_l = surname_r",
                "given_l = given_r",
                *_alike("surname", 0.85),
            ),
            "whole_name_l IS NULL OR whole_name_r IS NULL",
            "short_name",
        ),
        ComparedField("birth", ("birth_l = birth_r", "levenshtein(birth_l, birth_r) <= 1", "levenshtein(birth_l, birth_r) <= 2")),
        ComparedField("postcode", ("postcode_l = postcode_r", "levenshtein(postcode_l, postcode_r) <= 1", "outward_l = outward_r"), "", "postcode"),
        ComparedField("birth_place", ("birth_place_l = birth_place_r", *_alike("birth_place", 0.9)), "", "birth_place"),
        ComparedField("occupation", ("occupation_l = occupation_r",), "", "occupation"),
    ),
    (
        ("given", "surname"),
        ("surname", "birth"),
        ("given", "birth"),
        ("postcode", "given"),
        ("postcode", "surname"),
        ("birth", "birth_place"),
        ("birth", "postcode"),
        ("postcode", "year"),
        ("given", "head", "year"),
        ("surname", "birth_place"),
        ("surname", "year"),
        ("initials", "birth"),
        ("postcode", "occupation"),
        ("whole_name",),
    ),
    "unique_id",
)  # fmt: skip


# Random pairs from which the true u is counted: two who were born on one day are seen forty times.
_STRANGERS = 1_000_000


def true_model(engine: duckdb.DuckDBPyConnection, features: pa.Table, truth: pa.Table) -> identity.Model:
    """Return the model that knows who is who: m counted over all doubles, u over random pairs of two people."""
    engine.register("features", features)
    engine.register("truth", truth)
    engine.execute(
        "CREATE TEMP TABLE known AS SELECT f.*, t.person, row_number() OVER (ORDER BY customer_no) - 1 AS at_row "
        "FROM features f JOIN truth t ON t.source_key = f.customer_no"
    )
    n = features.num_rows
    doubles = "known l JOIN known r ON l.person = r.person AND l.customer_no < r.customer_no"
    drawn = f"SELECT (hash(i) % {n})::BIGINT AS x, (hash(i + {_STRANGERS}) % {n})::BIGINT AS y FROM range({_STRANGERS}) t(i)"
    strangers = f"({drawn}) d JOIN known l ON l.at_row = d.x JOIN known r ON r.at_row = d.y AND l.person <> r.person"
    m, count = _shares(engine, doubles)
    u, _ = _shares(engine, strangers)
    levels = {field.name: tuple(zip(m[at], u[at], strict=True)) for at, field in enumerate(identity.BANK.fields)}
    return identity.Model(2 * count / (n * (n - 1)), levels)


def _shares(engine: duckdb.DuckDBPyConnection, pairs: str) -> tuple[list[list[float]], int]:
    """Return by field which share of the comparable pairs reaches each level, and how many pairs there are."""
    fields = identity.BANK.fields
    patterns, counts = identity.patterns_of(engine, fields, identity.FEATURES.names, pairs)
    found = []
    for at, field in enumerate(fields):
        known = patterns[:, at] >= 0
        reached = np.bincount(patterns[known, at], counts[known], len(field.levels) + 1)
        # A field that nobody has says nothing either way.
        shares = reached / reached.sum() if reached.sum() else np.full(len(reached), 1 / len(reached))
        found.append(np.maximum(shares, identity.RAREST_U).tolist())
    return found, int(counts.sum())


def read_febrl(folder: Path, files: Sequence[str]) -> pa.Table:
    """Return the records of a FEBRL set: names, birth, number, street, suburb, postcode, state; nothing left out is null."""
    columns = {
        "given_name": "given", "surname": "surname", "date_of_birth": "birth", "soc_sec_id": "soc",
        "address_1": "street", "suburb": "suburb", "postcode": "postcode", "state": "state",
    }  # fmt: skip
    values = ", ".join(f"nullif(trim({column}), '') AS {name}" for column, name in columns.items())
    with duckdb.connect() as engine:
        parts = [
            engine.sql(
                "SELECT * FROM read_csv(?, all_varchar := true, normalize_names := true)", params=[str(folder / name)]
            ).to_arrow_table()
            for name in files
        ]
        engine.register("raw", pa.concat_tables(parts))
        found: pa.Table = engine.sql(f"SELECT trim(rec_id) AS rec_id, {values} FROM raw").to_arrow_table()
        return found


def read_historical(path: Path, people: int = 1) -> pa.Table:
    """Return the historical set, or one in ``people`` of its people, with parts of names, years and postcodes beside."""
    with duckdb.connect() as engine:
        found: pa.Table = engine.sql(
            "SELECT unique_id, cluster, first_name AS given, surname, full_name AS whole_name, first_and_surname AS short_name, "
            "dob AS birth, left(dob, 4) AS year, postcode_fake AS postcode, split_part(postcode_fake, ' ', 1) AS outward, "
            "birth_place, occupation, left(surname, 3) AS head, left(first_name, 2) AS initials FROM read_parquet(?) "
            "WHERE hash(cluster) % ? = 0 ORDER BY unique_id",
            params=[str(path), people],
        ).to_arrow_table()
        return found


def plain_historical(table: pa.Table, least: float) -> Sequence[frozenset[str]]:
    """Return the clusters of a plain Splink model: its library's comparisons and the ten blocks of its own tutorial."""
    import splink.comparison_library as library

    settings = {
        "comparisons": [
            library.ForenameSurnameComparison("given", "surname", forename_surname_concat_col_name="short_name"),
            library.LevenshteinAtThresholds("birth", [1, 2]),
            library.PostcodeComparison("postcode"),
            library.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            library.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        "blocks": [
            "left(l.given, 3) = left(r.given, 3) AND left(l.surname, 4) = left(r.surname, 4)",
            "l.surname = r.surname AND l.birth = r.birth",
            "l.given = r.given AND l.birth = r.birth",
            "l.postcode = r.postcode AND l.given = r.given",
            "l.postcode = r.postcode AND l.surname = r.surname",
            "l.birth = r.birth AND l.birth_place = r.birth_place",
            "left(l.postcode, 3) = left(r.postcode, 3) AND l.birth = r.birth",
            "left(l.postcode, 3) = left(r.postcode, 3) AND l.given = r.given",
            "left(l.postcode, 3) = left(r.postcode, 3) AND l.surname = r.surname",
            "l.initials = r.initials AND left(l.surname, 2) = left(r.surname, 2) AND l.year = r.year",
        ],
        "learn": ["l.given = r.given AND l.surname = r.surname", "l.birth = r.birth"],
        "sure": ["l.given = r.given AND l.surname = r.surname AND l.birth = r.birth"],
    }
    return _plain(table, settings, "unique_id", least, recall=0.6)


def plain_bank(table: pa.Table) -> Sequence[frozenset[str]]:
    """Return the clusters of a plain Splink model on a bank's records as they are written."""
    import splink.comparison_library as library

    settings = {
        "comparisons": [
            library.JaroWinklerAtThresholds("name", [0.9]).configure(term_frequency_adjustments=True),
            library.LevenshteinAtThresholds("birth", [1]),
            library.LevenshteinAtThresholds("phone", [1]),
            library.ExactMatch("email"),
            library.JaroWinklerAtThresholds("address", [0.9]),
            library.LevenshteinAtThresholds("document_no", [1]),
        ],
        "blocks": [
            "l.document_no = r.document_no",
            "l.name = r.name AND l.birth = r.birth",
            "l.phone = r.phone AND l.birth = r.birth",
            "l.phone = r.phone AND l.name = r.name",
            "l.email = r.email",
            "l.address = r.address AND l.birth = r.birth",
        ],
        "learn": ["l.document_no = r.document_no", "l.phone = r.phone AND l.name = r.name"],
        "sure": ["l.document_no = r.document_no AND l.name = r.name"],
    }
    return _plain(table, settings, "customer_no", 7.0, recall=0.6)


def _plain(
    table: pa.Table, settings: Mapping[str, Any], key: str, least: float, *, recall: float
) -> Sequence[frozenset[str]]:
    from splink import DuckDBAPI, Linker, SettingsCreator

    logging.getLogger("splink").setLevel(logging.ERROR)
    made = SettingsCreator(
        "dedupe_only",
        settings["comparisons"],
        settings["blocks"],
        unique_id_column_name=key,
        retain_matching_columns=False,
    )
    with duckdb.connect() as engine:
        linker = Linker(DuckDBAPI(engine).register(table), made, log_level=logging.ERROR)
        linker.training.estimate_probability_two_random_records_match(settings["sure"], recall=recall)
        linker.training.estimate_u_using_random_sampling(max_pairs=5e5, seed=1, num_chunks=1)
        for rule in settings["learn"]:
            linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
        pairs = linker.inference.predict(threshold_match_weight=least, warning_mode="never")
        rows = engine.execute(f"SELECT {key}_l, {key}_r, match_weight FROM {pairs.physical_name}").fetchall()
    links = [identity.Link(min(a, b), max(a, b), identity.LinkKind.MODEL, w) for a, b, w in rows]
    return identity.partition(links).groups
