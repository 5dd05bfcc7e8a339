"""What the bank, its units and its people achieve: metrics, targets, the daily report, credit, programmes."""
