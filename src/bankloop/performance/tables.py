"""The metadata of this room's tables; the store's migrations create them."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
