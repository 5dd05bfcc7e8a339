"""Requests between lines and offices."""
