"""Readers of source systems: a position goes in; a DuckDB relation of source rows comes out."""

from ingest.extract.base import DeadLetter, Extractor, Pull, PullRequest, Scope

__all__ = ["DeadLetter", "Extractor", "Pull", "PullRequest", "Scope"]
