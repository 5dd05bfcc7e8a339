"""The register of sharing agreements."""
