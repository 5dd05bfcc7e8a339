"""Audiences and segments: an expression counted as it is written, saved, planned, activated."""
