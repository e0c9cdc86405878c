"""Gets source data into bronze, exactly once.

`sources/<name>/source.yml` and positions kept in the lake go in; committed bronze batches come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.load import StreamResult
    from ingest.runner import run

__all__ = ["StreamResult", "run"]


def __getattr__(name: str) -> Any:
    """Import what runs only when it is used: `smelt --help` needs none of it."""
    if name == "run":
        from ingest.runner import run

        return run
    if name == "StreamResult":
        from ingest.load import StreamResult

        return StreamResult
    raise AttributeError(name)
