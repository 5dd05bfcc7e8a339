"""The first console: pages rendered here from the store and from ``report``; it reads and never changes anything.

Served on this machine only until sign-in exists; no script, no request to any other host.
"""

from bankloop.web.app import create_app, is_loopback, serve

__all__ = ["create_app", "is_loopback", "serve"]
