"""The calendar of campaigns."""
