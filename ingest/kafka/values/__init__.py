"""Values of messages → rows with columns, by format."""

from ingest.kafka.values.base import Decoder, Part
from ingest.kafka.values.formats import decoder

__all__ = ["Decoder", "Part", "decoder"]
