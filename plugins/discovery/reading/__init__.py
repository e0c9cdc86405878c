"""Reading places: where data is goes in, its streams with a sample of each come out. Nothing is written there."""

from plugins.discovery.reading.opening import read_place
from plugins.discovery.reading.place import Place, Reference, Stream

__all__ = ["Place", "Reference", "Stream", "read_place"]
