"""bankloop: the open platform on which a bank runs its closed customer loop.

Every folder below is a room; a room is entered by its ``__init__`` only, and imports go one way along
``kit < store < lake < organization < customer < loop < simulate < report < web < cli``.
"""

__version__ = "0.1.0"
