"""Change data capture from PostgreSQL: a snapshot, then every change of the server's log, into bronze.

Streams of one source with `sync_mode: cdc` go in; committed bronze batches of change events come out.
"""

from ingest.cdc.capture import capture

__all__ = ["capture"]
