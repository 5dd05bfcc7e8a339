"""Who is in a segment, and whom an audience would reach, as customers are known and allow today."""
