"""Retention of new customers and the funnels of their journeys."""
