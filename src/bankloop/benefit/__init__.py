"""What the bank gives: points of customers, and grants of benefits from budgets and stocks, all of it on the ledger."""
