"""What row policies ask: conditions on the settings of a transaction, which say who acts.

Each setting is read in a sub-select, so that it is read once a statement and not once a row; where one is missing, the
condition does not hold. Policies of a table never read a table whose policies read it.
"""

from __future__ import annotations


def setting(name: str) -> str:
    """Return a setting, empty where it is missing."""
    return f"(SELECT coalesce(current_setting('bankloop.{name}', true), ''))"


def listed(name: str) -> str:
    """Return a setting that is a list."""
    return f"(SELECT string_to_array(current_setting('bankloop.{name}', true), ','))::text[]"


def may(*rights: str) -> str:
    """Return whether the principal has one of the rights, or all rights, as the program at work has."""
    return holds("rights", "*", *rights)


def holds(name: str, *wanted: str) -> str:
    """Return whether a listed setting holds one of the words."""
    words = ", ".join(f"'{word}'" for word in wanted)
    return f"(SELECT coalesce(string_to_array(current_setting('bankloop.{name}', true), ',') && ARRAY[{words}], false))"


def within(column: str) -> str:
    """Return whether a unit is one of the principal's."""
    return f"('*' = ANY ({listed('units')}) OR {column} = ANY ({listed('units')}))"


def own_customer(table: str) -> str:
    """Return whether the row's customer is seen in the book: one probe by key, under the policy of the book itself.

    As EXISTS it would be planned twice, and dearly hashed.
    """
    return (
        f"(SELECT true FROM customer_book b WHERE b.customer_no = {table}.customer_no "
        f"AND b.valid_from <= {NOW} AND (b.valid_to IS NULL OR b.valid_to > {NOW}) LIMIT 1)"
    )


NOW = "(SELECT current_setting('bankloop.now', true)::timestamptz)"
PRINCIPAL = setting("principal")
KNOWN = f"{PRINCIPAL} <> ''"
IN_SCOPE = within("unit_id")
NO_BOOK = "(SELECT coalesce(current_setting('bankloop.book', true), '') = '')"
# A hashed set: a large branch has hundreds of units, and a list of them searched row by row makes counts slow.
IN_UNITS = (
    "((SELECT current_setting('bankloop.units', true) = '*') "
    "OR unit_id IN (SELECT unnest(string_to_array(current_setting('bankloop.units', true), ','))))"
)
WRITES_FOR = f"({IN_UNITS} AND {NO_BOOK})"

_WHOLE_BANK = (
    "current_setting('bankloop.units', true) = '*' AND current_setting('bankloop.lines', true) = '*' "
    "AND coalesce(current_setting('bankloop.book', true), '') = ''"
)
# Unknown where a setting is missing, which a policy reads as no; the second says no.
WHOLE_BANK = f"(SELECT {_WHOLE_BANK})"
SURELY_WHOLE_BANK = f"(SELECT coalesce({_WHOLE_BANK}, false))"
EVERY_RIGHT = "(SELECT coalesce('*' = ANY (string_to_array(current_setting('bankloop.rights', true), ',')), false))"
# The verbs of the program, which judged who may what.
PROGRAM = f"{SURELY_WHOLE_BANK} AND {may()}"
