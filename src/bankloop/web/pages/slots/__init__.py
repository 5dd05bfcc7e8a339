"""Slots: what is decided while a customer looks, tried out on one customer."""
