"""Growth: entries by code, and who is credited for whom they bring."""
