"""Outside staff (业务外包): people of other companies, let in until a day, each answered for by one of the bank's own."""

from bankloop.organization.outside.contracts import OutsideStaff
from bankloop.organization.outside.service import (
    admit_outside,
    check_outside,
    ending_outside,
    let_in,
    outside_of,
    outside_staff,
)

__all__ = ["OutsideStaff", "admit_outside", "check_outside", "ending_outside", "let_in", "outside_of", "outside_staff"]
