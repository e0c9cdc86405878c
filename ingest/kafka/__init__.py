"""Messages of Kafka topics, exactly once into bronze: offsets are committed with the rows, never in the broker.

Streams of one source of `kind: kafka` go in; committed bronze batches of messages come out.
"""

from ingest.kafka.ingesting import ingest_topics

__all__ = ["ingest_topics"]
