"""Models: cards, registry, drift."""
