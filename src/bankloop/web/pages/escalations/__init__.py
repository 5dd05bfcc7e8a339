"""What was escalated to who leads."""
