"""Refusals of files of licences, each with the cure in both languages."""

from __future__ import annotations

from datetime import date

from bankloop.kit.errors import DataError, InputError
from bankloop.kit.text import Text


def no_column(needed: str, found: str) -> DataError:
    """Return the refusal of a file of licences without its columns."""
    return DataError(
        "staffing.no_column",
        Text(
            "资格文件的首行要有这些列：{needed}；现有：{found}",
            "the first row of a file of licences names these columns: {needed}; it has: {found}",
        ),
        needed=needed,
        found=found,
    )


def contradicts(kind: str, issued: date, expires: date) -> InputError:
    """Return the refusal of a licence that is on record with another end."""
    return InputError(
        "staffing.contradicts",
        Text(
            "{issued} 取得的“{kind}”已登记到 {expires}；续期请写新的取得日",
            "'{kind}' of {issued} is on record until {expires}; a renewal has a day of issue of its own",
        ),
        kind=kind,
        issued=issued,
        expires=expires,
    )
