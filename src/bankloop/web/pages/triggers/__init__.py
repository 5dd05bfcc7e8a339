"""Triggers as they act: what fired, what held them back, how fast they were."""
