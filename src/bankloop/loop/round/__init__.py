"""A round: the window that is planned and stored, its labels, its reading, what led to what."""
