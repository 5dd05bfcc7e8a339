"""What the bank gives: points of customers on the ledger."""
