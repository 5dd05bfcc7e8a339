"""Data: what the bank has and where it came from."""
