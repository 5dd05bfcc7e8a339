"""Metrics by unit."""
