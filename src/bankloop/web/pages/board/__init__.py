"""Head office's board."""
