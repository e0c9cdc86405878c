from .document import document as document
from .personal_columns import find_personal as find_personal
from .profile import ColumnProfile as ColumnProfile
from .profile import Dependency as Dependency
from .profile import Finding as Finding
from .profile import ForeignKey as ForeignKey
from .profile import Key as Key
from .profile import SourceProfile as SourceProfile
from .profile import StreamProfile as StreamProfile
from .profile import Variant as Variant
from .source import discover_source as discover_source
from .stream import discover_stream as discover_stream

__all__ = [
    "ColumnProfile",
    "Dependency",
    "Finding",
    "ForeignKey",
    "Key",
    "SourceProfile",
    "StreamProfile",
    "Variant",
    "discover_source",
    "discover_stream",
    "document",
    "find_personal",
]
