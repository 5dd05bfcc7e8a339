"""A manager's day, phone first."""
