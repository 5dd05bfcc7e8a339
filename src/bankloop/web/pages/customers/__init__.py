"""One customer: at a glance, their relations, what they allow."""
