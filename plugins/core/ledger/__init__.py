"""Append-only ops tables: runs, stream loads, schema versions, gate results, scores, pins, publishes, holds.

Rows go in as they happen, in their own short transactions, so that a crash loses none of what was
already written; nothing is ever updated or deleted. SQLite in WAL mode by default, PostgreSQL by URL.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
