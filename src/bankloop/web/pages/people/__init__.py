"""Organization, people and rights."""
