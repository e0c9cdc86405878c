from .discovering import discover_place as discover_place
from .reading import Place as Place
from .reading import Stream as Stream
from .reading import Written as Written
from .reading import database_file as database_file
from .reading import read_place as read_place
from .reading import written as written

__all__ = ["Place", "Stream", "Written", "database_file", "discover_place", "read_place", "written"]
