"""Solutions for segments: what each version offers, and which campaigns keep which."""
