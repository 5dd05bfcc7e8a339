"""Journeys: what begins when something happens to a customer, and stops where it would be too much."""
