"""Attributes: the catalogue, and a customer's attributes as cards."""
