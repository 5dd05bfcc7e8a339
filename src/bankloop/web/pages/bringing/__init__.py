"""The page by which a bank brings its own files, and goes on to its first audience, campaign and plan."""
