"""What is offered now: the shelf at work, next best offers, places in the bank's own app, how products do."""
