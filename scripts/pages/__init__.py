"""One module a generated page: each reads the source tree, the command line or the models, never a database."""
