"""Keys and what is sealed under them: AES-256-GCM, blind indexes, the vault of identifiers, one data key a customer.

Keys come from the environment or a file, never from the database or the bank's folder. Old keys open, the current one
seals; what lies sealed is renewed in batches while everybody works on.
"""

from bankloop.store.sealing.keys import KeyRing, blind_index, key_file, make_key_file, open_keys, rotate_keys
from bankloop.store.sealing.normal import normal_identifier

__all__ = [
    "KeyRing",
    "blind_index",
    "key_file",
    "make_key_file",
    "normal_identifier",
    "open_keys",
    "rotate_keys",
]
