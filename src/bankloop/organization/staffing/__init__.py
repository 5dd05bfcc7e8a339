"""Who is there for the work: staffing by unit, licences by file and those that end. Posts and licences are people's."""

from bankloop.organization.staffing.contracts import LICENCES, UnitStaffing
from bankloop.organization.staffing.counting import ENDS_SOON, ending_licences, staffing_of
from bankloop.organization.staffing.licence_file import LicencesTaken, RefusedLine, take_licences

__all__ = [
    "ENDS_SOON",
    "LICENCES",
    "LicencesTaken",
    "RefusedLine",
    "UnitStaffing",
    "ending_licences",
    "staffing_of",
    "take_licences",
]
