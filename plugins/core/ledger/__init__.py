"""Append-only ops tables: runs, stream loads, schema versions, gate results, scores, pins, publishes.

Rows go in as they happen, in their own short transactions, so that a crash loses none of what was
already written; nothing is ever updated or deleted. SQLite in WAL mode by default, PostgreSQL by URL.
"""

from plugins.core.ledger.run import Run, new_id, open_run, runs_of_this_process
from plugins.core.ledger.store import Ledger
from plugins.core.ledger.tables import TABLES

__all__ = ["TABLES", "Ledger", "Run", "new_id", "open_run", "runs_of_this_process"]
