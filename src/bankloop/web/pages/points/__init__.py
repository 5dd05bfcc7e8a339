"""Points of customers: what the bank owes, and one customer's wallet."""
