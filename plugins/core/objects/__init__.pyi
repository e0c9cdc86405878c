from .duckdb_access import allow_connection, allow_lake, allow_storage
from .keys import Keys, keys_of
from .store import is_site, open_store, split_url

__all__ = [
    "Keys",
    "allow_connection",
    "allow_lake",
    "allow_storage",
    "is_site",
    "keys_of",
    "open_store",
    "split_url",
]
