"""A pull of one stream goes in; a committed bronze batch, reconciled with what was there, comes out."""

from ingest.load.result import StreamResult
from ingest.load.stream import Job, full_disk, load_stream, unreachable_lake

__all__ = ["Job", "StreamResult", "full_disk", "load_stream", "unreachable_lake"]
