"""What ``bankloop demo`` and ``bankloop bench`` live through; the commands beside it only show it."""
