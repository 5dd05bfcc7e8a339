"""Who works in the bank and may do what: units, staff, principals, approvals by a second person, tasks for staff.

An approval is of a digest: whoever edits afterwards has nothing approved. Tasks come from decisions, once each, within
what a unit can do in a day. This room never decides whom to contact, and knows no campaign beyond its name.
"""

# its tables are of this room
