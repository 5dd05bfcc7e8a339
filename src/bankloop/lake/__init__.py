"""The analytical plane: a bank's conformed tables as immutable versions of Parquet files, read through DuckDB.

A table has a contract; what breaks it does not get in. A version is files plus one manifest row, committed last, so
nobody ever sees half of one. ``load_bank`` brings source files in: bad rows go to quarantine, good rows load, and a
broken contract stops the load with nothing changed. This room decides nothing about customers and never stores
personal identifiers in the clear.
"""
