"""Care: maturities ahead, drawdowns of net values."""
