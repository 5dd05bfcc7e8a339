"""Records made comparable: one row a record, every value in its one spelling, what nobody can be told by left out.

Columns are those of ``FEATURES``; ``common`` says that many people bear a name that sounds so.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from bankloop.customer.identity.names import plain_names, sounds
from bankloop.customer.identity.plausible import TRUSTED, check_digit

FEATURES = pa.schema(
    [
        ("customer_no", pa.string()),
        ("name", pa.string()),
        ("sound", pa.int64()),
        ("common", pa.bool_()),
        ("head", pa.string()),  # the name's first character
        ("birth", pa.string()),  # yyyymmdd as it was written, also where no calendar has the day
        ("year", pa.string()),
        ("month_day", pa.string()),
        ("gender", pa.string()),
        ("phone", pa.string()),
        ("email", pa.string()),
        ("address", pa.string()),
        ("place", pa.string()),  # the address from the street on: cities are left out as often as not
        ("document_type", pa.string()),
        ("written", pa.string()),  # the document's number in its one spelling
        ("document", pa.string()),  # the same where it is in no doubt
    ]
)
# Defaults that old core systems write for a day they do not know.
_NO_BIRTH = ("19000101", "18991231", "19700101")
# A value that so many records share is a shop's phone or a clerk's filler, and tells nobody apart.
MOST_SHARED = 30
_OLD_ID = 15

_SQL = r"""
WITH plain AS (
    SELECT customer_no, plain_name AS name, sound, upper(left(trim(gender), 1)) AS gender,
        regexp_replace(birth, '[^0-9]', '', 'g') AS birth,
        regexp_replace(regexp_replace(phone, '[^0-9]', '', 'g'), '^(0086|86)(1[0-9]{{10}})$', '\2') AS phone,
        lower(replace(email, ' ', '')) AS email,
        lower(regexp_replace(address, '[\s\p{{P}}]', '', 'g')) AS address,
        coalesce(nullif(trim(document_type), ''), 'id_card') AS document_type,
        upper(regexp_replace(document_no, '[^0-9A-Za-z]', '', 'g')) AS document
    FROM given
), known AS (
    SELECT * REPLACE (
        CASE WHEN length(birth) = 8 AND birth <= '{today}' AND birth NOT IN {no_birth} THEN birth END AS birth,
        CASE WHEN length(phone) >= 7 AND replace(phone, left(phone, 1), '') <> '' THEN phone END AS phone,
        CASE WHEN contains(email, '@') THEN email END AS email,
        nullif(regexp_replace(address, '(室|号)$', ''), '') AS address,
        nullif(document, '') AS document)
    FROM plain
)
SELECT customer_no, name, sound, {common} AS common, left(name, 1) AS head, birth, left(birth, 4) AS year,
    right(birth, 4) AS month_day, gender,
    {phone} AS phone, {email} AS email, address,
    nullif(regexp_replace(address, '^(.{{2,9}}?(省|自治区))?(.{{1,6}}?市)?(.{{1,6}}?(区|县))?', ''), '') AS place,
    CASE WHEN document IS NOT NULL THEN document_type END AS document_type, document AS written,
    CASE WHEN {trusted} THEN document END AS document
FROM known
"""


def make_features(
    connection: duckdb.DuckDBPyConnection,
    records: pa.Table,
    today: date,
    *,
    common: Collection[int] | None = None,
    common_from: int = 0,
) -> pa.Table:
    """Return ``FEATURES`` of records that have a ``customer_no``; dates after ``today`` are nobody's birth.

    ``common`` are the sounds known as common; None counts them here (from ``common_from`` bearers on), and leaves out
    phones and addresses of mail that more than ``MOST_SHARED`` records share.
    """
    names = plain_names(records["name"].combine_chunks())
    given = records.append_column("plain_name", names).append_column("sound", sounds(names))
    given = given.set_column(given.schema.get_field_index("document_no"), "document_no", _new_ids(given["document_no"]))
    whole = common is None
    connection.register("given", given)
    connection.register("common_sound", pa.table({"known": pa.array(sorted(common or ()), pa.int64())}))
    counted = f"count(*) OVER (PARTITION BY sound) >= {common_from}"
    query = _SQL.format(
        today=f"{today:%Y%m%d}",
        no_birth=_NO_BIRTH,
        trusted=TRUSTED,
        common=f"coalesce({counted}, false)" if whole else "sound IN (SELECT known FROM common_sound)",
        **{name: _shared(name) if whole else name for name in ("phone", "email")},
    )
    try:
        return connection.sql(query).to_arrow_table().select(FEATURES.names).cast(FEATURES)
    finally:
        connection.unregister("given")
        connection.unregister("common_sound")


def _shared(column: str) -> str:
    return f"CASE WHEN count(*) OVER (PARTITION BY {column}) <= {MOST_SHARED} THEN {column} END"


def _new_ids(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return identity numbers of fifteen places as they read since 1999, with eighteen (GB 11643)."""
    fifteen = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(numbers)), _OLD_ID)
    if not pc.any(fifteen).as_py():
        return numbers
    old = pc.match_substring_regex(numbers, rf"^\s*\d{{{_OLD_ID}}}\s*$")
    return pa.chunked_array(
        [
            [
                new_id(text.strip()) if flag else text
                for text, flag in zip(numbers.to_pylist(), old.to_pylist(), strict=True)
            ]
        ],
        pa.string(),
    )


def new_id(old: str) -> str:
    """Return the eighteen places of an identity number of fifteen: the century put in, the check digit added."""
    digits = old[:6] + "19" + old[6:]
    return digits + check_digit(digits)
