"""Requests for approval: what waits, what it changes, every act on it."""
