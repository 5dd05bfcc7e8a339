"""Channels: the registry, what each is connected for, and how much of the bank is online."""
