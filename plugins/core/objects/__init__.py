"""Object stores: S3 and whatever speaks its API, Google Cloud Storage.

A URL of a bucket and the settings of how it is reached go in; a store comes out to list and read, or what DuckDB
and PyIceberg need to know of it. Keys are resolved at each use and are never part of a message.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
