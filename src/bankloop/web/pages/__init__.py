"""The console's pages, a folder a noun: its routes, its page as values, its templates."""
