"""The analytical plane: a bank's conformed tables as immutable versions of Parquet files, read through DuckDB.

A table has a contract; what breaks it does not get in. A version is files plus one manifest row, committed last, so
nobody ever sees half of one. ``load_bank`` brings source files in: bad rows go to quarantine, good rows load, and a
broken contract stops the load with nothing changed. This room decides nothing about customers and never stores
personal identifiers in the clear.
"""

from bankloop.lake.conformed import CONTRACTS, PRODUCT_CLASSES
from bankloop.lake.contracts import (
    Column,
    ColumnType,
    DataClass,
    LoadReport,
    RuleCount,
    Scope,
    SourceReport,
    TableContract,
)
from bankloop.lake.engine import schema_of
from bankloop.lake.expectations import Dimension
from bankloop.lake.inventory import (
    Asset,
    Delivery,
    Field,
    Watched,
    assets,
    deliveries,
    fields_of,
    fields_used,
    mapped_sources,
    watched,
)
from bankloop.lake.load import Progress, load_bank
from bankloop.lake.manifest import Manifest, MemoryManifest, StoreManifest
from bankloop.lake.origins import Origin, Raw, origin_of
from bankloop.lake.registers import Register, RegisterFile, arrived, read_registers, records_in
from bankloop.lake.service import Lake, contract_of, open_lake
from bankloop.store import LakeVersion

__all__ = [
    "CONTRACTS",
    "PRODUCT_CLASSES",
    "Asset",
    "Column",
    "ColumnType",
    "DataClass",
    "Delivery",
    "Dimension",
    "Field",
    "Lake",
    "LakeVersion",
    "LoadReport",
    "Manifest",
    "MemoryManifest",
    "Origin",
    "Progress",
    "Raw",
    "Register",
    "RegisterFile",
    "RuleCount",
    "Scope",
    "SourceReport",
    "StoreManifest",
    "TableContract",
    "Watched",
    "arrived",
    "assets",
    "contract_of",
    "deliveries",
    "fields_of",
    "fields_used",
    "load_bank",
    "mapped_sources",
    "open_lake",
    "origin_of",
    "read_registers",
    "records_in",
    "schema_of",
    "watched",
]
