"""The sample source systems that `make run` starts, and their data.

A project folder goes in; running servers and filled folders come out, with what reaches them
written to `.smelt/demo/` (`shop.dsn`, `ecb.url`, `drop/returns/`).
"""

from demo.manager import SourceStatus, down, status, up

__all__ = ["SourceStatus", "down", "status", "up"]
