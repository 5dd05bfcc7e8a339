"""Who works where: units in time, staff with posts, licences, leave and backups, books of customers and their transfer."""

from bankloop.organization.people.contracts import Licence, Line, OrgUnit, Person
from bankloop.organization.people.rules import LICENSED_FROM, checked_id, checked_name, may_take
from bankloop.organization.people.staff import (
    backups_of,
    engage_staff,
    licences_of,
    license_staff,
    move_staff,
    name_backup,
    people,
    person_of,
    post_of,
    record_leave,
    stand_ins,
)
from bankloop.organization.people.units import below, close_unit, move_unit, open_unit, unit_of, units, valid

__all__ = [
    "LICENSED_FROM",
    "Licence",
    "Line",
    "OrgUnit",
    "Person",
    "backups_of",
    "below",
    "checked_id",
    "checked_name",
    "close_unit",
    "engage_staff",
    "licences_of",
    "license_staff",
    "may_take",
    "move_staff",
    "move_unit",
    "name_backup",
    "open_unit",
    "people",
    "person_of",
    "post_of",
    "record_leave",
    "stand_ins",
    "unit_of",
    "units",
    "valid",
]
