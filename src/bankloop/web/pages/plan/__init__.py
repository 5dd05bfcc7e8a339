"""The plan with its what-if."""
