"""The Iceberg lake: tables, the exactly-once commit, pinned snapshots, expiry.

Parquet files with a batch id and a source position go in; committed snapshots come out.
Whoever reads gets a `Pin`: one metadata file and snapshot, which never change under the reader.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
