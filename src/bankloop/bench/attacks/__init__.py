"""Attacks on a running bank, as code: each is tried, and what stands against it holds or is broken."""
