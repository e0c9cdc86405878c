from .discovering import discover_place as discover_place
from .reading import Place as Place
from .reading import Stream as Stream
from .reading import read_place as read_place

__all__ = ["Place", "Stream", "discover_place", "read_place"]
