"""Which extractor reads which kind of source; each is imported only when it is needed."""

from __future__ import annotations

from importlib import import_module

from ingest.extract.base import Extractor

_EXTRACTORS = {
    "postgres": "ingest.extract.postgres:PostgresExtractor",
    "files": "ingest.extract.files:FilesExtractor",
    "airbyte": "ingest.extract.airbyte:AirbyteExtractor",
    "dlt": "ingest.extract.dlt:DltExtractor",
    "kafka": "ingest.kafka.extractor:KafkaExtractor",
    "mongodb": "ingest.mongo.extractor:MongoExtractor",
    "mysql": "ingest.mysql.extractor:MysqlExtractor",
    "webhooks": "ingest.webhooks.extractor:WebhooksExtractor",
}


def extractor(kind: str) -> Extractor:
    """The extractor of sources of `kind`."""
    module, _, name = _EXTRACTORS[kind].partition(":")
    return getattr(import_module(module), name)()
