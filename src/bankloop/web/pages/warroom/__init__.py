"""A branch's war room."""
