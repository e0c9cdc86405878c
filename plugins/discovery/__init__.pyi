from .discovering import discover_place as discover_place
from .reading import Place as Place
from .reading import Stream as Stream
from .reading import Written as Written
from .reading import bucket_at as bucket_at
from .reading import database_file as database_file
from .reading import is_bucket as is_bucket
from .reading import is_cluster as is_cluster
from .reading import read_place as read_place
from .reading import written as written

__all__ = [
    "Place",
    "Stream",
    "Written",
    "bucket_at",
    "database_file",
    "discover_place",
    "is_bucket",
    "is_cluster",
    "read_place",
    "written",
]
