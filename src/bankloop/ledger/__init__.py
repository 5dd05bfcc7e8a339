"""One ledger of double entry for everything that is counted and must not leak: points, budgets, stock, commissions."""
