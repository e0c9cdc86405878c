from .holds import Hold, Released, hold, open_holds, release, released_holds
from .run import Run, new_id, open_run, runs_of_this_process
from .store import Ledger
from .tables import TABLES

__all__ = [
    "TABLES",
    "Hold",
    "Ledger",
    "Released",
    "Run",
    "hold",
    "new_id",
    "open_holds",
    "open_run",
    "release",
    "released_holds",
    "runs_of_this_process",
]
