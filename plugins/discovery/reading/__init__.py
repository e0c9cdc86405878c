"""Reading places: where data is goes in, its streams with a sample of each come out. Nothing is written there."""

from plugins.discovery.reading.buckets import bucket_at, is_bucket
from plugins.discovery.reading.databases import database_file
from plugins.discovery.reading.opening import read_place
from plugins.discovery.reading.place import Place, Reference, Stream
from plugins.discovery.reading.topics import is_cluster
from plugins.discovery.reading.written import Written, written

__all__ = [
    "Place",
    "Reference",
    "Stream",
    "Written",
    "bucket_at",
    "database_file",
    "is_bucket",
    "is_cluster",
    "read_place",
    "written",
]
