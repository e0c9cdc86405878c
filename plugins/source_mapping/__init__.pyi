from .document import ColumnMapping as ColumnMapping
from .document import EntityMapping as EntityMapping
from .document import SourceMapping as SourceMapping
from .document import StreamMapping as StreamMapping
from .document import read_mapping as read_mapping

__all__ = ["ColumnMapping", "EntityMapping", "SourceMapping", "StreamMapping", "read_mapping"]
