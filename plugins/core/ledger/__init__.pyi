from .run import Run, new_id, open_run, runs_of_this_process
from .store import Ledger
from .tables import TABLES

__all__ = ["TABLES", "Ledger", "Run", "new_id", "open_run", "runs_of_this_process"]
