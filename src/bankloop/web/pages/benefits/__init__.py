"""Budgets and stocks of benefits: what is granted of them, what is left, and when they are empty."""
