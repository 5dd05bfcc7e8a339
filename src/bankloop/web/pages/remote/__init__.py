"""The remote desk."""
