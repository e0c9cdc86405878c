from .duckdb_access import allow_lake
from .keys import Keys, keys_of
from .store import open_store, split_url

__all__ = ["Keys", "allow_lake", "keys_of", "open_store", "split_url"]
