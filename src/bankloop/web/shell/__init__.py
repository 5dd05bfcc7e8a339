"""What every page stands in: the application, who asks, what passes first, forms, words that all pages share."""
