"""A campaign: its eight steps, its lock, its audience, its wording."""
