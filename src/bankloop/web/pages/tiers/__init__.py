"""Tiers and who keeps whom."""
