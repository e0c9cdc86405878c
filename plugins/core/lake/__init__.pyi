from .catalog import Lake
from .commit import Batch, Committed, StaleBatch, commit_batch
from .evolve import BronzeColumn, bronze_columns, ensure_columns, placed_columns
from .in_place import IN_PLACE, InPlace, in_place_sql, read_in_place, set_in_place
from .pin import Pin, scan_sql
from .pins import metadata_locations, pin_namespace
from .presence import has_lake
from .state import LOG, UNSENT, TableState, read_state

__all__ = [
    "IN_PLACE",
    "LOG",
    "UNSENT",
    "Batch",
    "BronzeColumn",
    "Committed",
    "InPlace",
    "Lake",
    "Pin",
    "StaleBatch",
    "TableState",
    "bronze_columns",
    "commit_batch",
    "ensure_columns",
    "has_lake",
    "in_place_sql",
    "metadata_locations",
    "pin_namespace",
    "placed_columns",
    "read_in_place",
    "read_state",
    "scan_sql",
    "set_in_place",
]
