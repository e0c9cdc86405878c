"""`sources/<name>/source.yml`: what it may say, and how it is read."""

from ingest.spec.load import load_source, load_sources
from ingest.spec.model import CursorSpec, DltSpec, FilesSpec, SourceSpec, StreamSpec
from ingest.spec.webhook import WebhookSpec

__all__ = [
    "CursorSpec",
    "DltSpec",
    "FilesSpec",
    "SourceSpec",
    "StreamSpec",
    "WebhookSpec",
    "load_source",
    "load_sources",
]
