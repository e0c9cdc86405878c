from .document import ColumnMapping as ColumnMapping
from .document import EntityMapping as EntityMapping
from .document import SourceMapping as SourceMapping
from .document import StreamMapping as StreamMapping
from .document import read_mapping as read_mapping
from .mapping import Mapped as Mapped
from .mapping import map_source as map_source
from .planning.drafted import snake_case as snake_case
from .report import show as show

__all__ = [
    "ColumnMapping",
    "EntityMapping",
    "Mapped",
    "SourceMapping",
    "StreamMapping",
    "map_source",
    "read_mapping",
    "show",
    "snake_case",
]
