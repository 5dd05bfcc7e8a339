"""Credit of people for what was sold."""
