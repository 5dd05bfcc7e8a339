"""Where personal identifiers of loaded customers go: sealed into the store's vault; the lake keeps tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bankloop.store.contracts import Principal
from bankloop.store.database import Store
from bankloop.store.vault import keep_identifiers, no_identifiers


class Vault(Protocol):
    """Keeps identifiers of customers; the same one again changes nothing."""

    def empty(self) -> bool:
        """Return whether it holds nothing yet."""
        ...

    def keep(self, kind: str, customers: Sequence[str], values: Sequence[str], *, first: bool = False) -> int:
        """Keep ``values`` of a kind, one a customer, and return how many are new or changed; ``first``: none is there yet."""
        ...


@dataclass(frozen=True)
class StoreVault:
    """The vault in the bank's store; only the program writes it."""

    store: Store
    principal: Principal

    def empty(self) -> bool:
        """Return whether no identifier was ever kept."""
        with self.store.begin(self.principal) as connection:
            return no_identifiers(connection)

    def keep(self, kind: str, customers: Sequence[str], values: Sequence[str], *, first: bool = False) -> int:
        """Seal ``values`` of a kind in one transaction; erased customers are passed over."""
        with self.store.begin(self.principal) as connection:
            return keep_identifiers(connection, kind, list(customers), list(values), first=first)
