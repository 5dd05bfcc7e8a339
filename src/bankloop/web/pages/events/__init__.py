"""Events as they are told: what came of them, and their types."""
