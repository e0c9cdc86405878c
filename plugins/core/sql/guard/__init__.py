"""The SQL guard: text that nobody vouches for goes in, one harmless query comes out, or the reason why not.

`check` parses with DuckDB's own parser and allows only what is listed; `run` executes on a connection that
the engine itself keeps from writing, from files and from the network. Both are needed, and each is enough.
"""

from plugins.core.sql.guard.check import Checked, GuardError, check
from plugins.core.sql.guard.run import Limits, Result, open_guarded, run

__all__ = ["Checked", "GuardError", "Limits", "Result", "check", "open_guarded", "run"]
