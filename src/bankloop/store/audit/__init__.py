"""The audit trail: a row with every verb, sealed in batches into a chain of digests anchored outside the database.

A seal covers the rows of all transactions between two horizons. A horizon is the oldest transaction still running when
the seal was made, so that a late commit is never passed over, as it would be by ``id > last``. Every seal is also
appended to the anchor file: what is cut off the end of the trail is missed there.
"""

from bankloop.store.audit.anchor import anchor_file
from bankloop.store.audit.chain import seal_audit
from bankloop.store.audit.checks import SealAge, check_audit, check_due, last_check, seal_age
from bankloop.store.audit.clock import check_clock, newest_row
from bankloop.store.audit.record import AuditRow, personal_of, read_audit, record_access, record_audit
from bankloop.store.audit.retention import (
    RETENTION_YEARS,
    LegalHold,
    holds,
    holds_on,
    place_hold,
    purge_audit,
    purge_due,
    release_hold,
)
from bankloop.store.audit.verify import verify_audit

__all__ = [
    "RETENTION_YEARS",
    "AuditRow",
    "LegalHold",
    "SealAge",
    "anchor_file",
    "check_audit",
    "check_clock",
    "check_due",
    "holds",
    "holds_on",
    "last_check",
    "newest_row",
    "personal_of",
    "place_hold",
    "purge_audit",
    "purge_due",
    "read_audit",
    "record_access",
    "record_audit",
    "release_hold",
    "seal_age",
    "seal_audit",
    "verify_audit",
]
