"""A PostgreSQL of the bank's own, from a wheel's binaries, kept by our own supervision.

One cluster per bank folder, in a private folder outside of it, on a Unix socket only. Commands on the same bank share
the running server; the last one leaving stops it. Nothing here knows a table.
"""

from bankloop.store.embedded.server import EmbeddedServer, remove_cluster, server_pid, start_server

__all__ = ["EmbeddedServer", "remove_cluster", "server_pid", "start_server"]
