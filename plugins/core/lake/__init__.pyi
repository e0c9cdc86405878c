from .catalog import Lake
from .commit import Batch, Committed, StaleBatch, commit_batch
from .evolve import BronzeColumn, bronze_columns, ensure_columns, placed_columns
from .pin import Pin, scan_sql
from .pins import metadata_locations, pin_namespace
from .presence import has_lake
from .state import LOG, UNSENT, TableState, read_state

__all__ = [
    "UNSENT",
    "Batch",
    "BronzeColumn",
    "Committed",
    "LOG",
    "Lake",
    "Pin",
    "StaleBatch",
    "TableState",
    "bronze_columns",
    "commit_batch",
    "ensure_columns",
    "has_lake",
    "metadata_locations",
    "pin_namespace",
    "placed_columns",
    "read_state",
    "scan_sql",
]
