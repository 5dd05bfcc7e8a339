"""The results of rounds."""
