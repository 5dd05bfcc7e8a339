"""Rounds: what runs next and what ran."""
