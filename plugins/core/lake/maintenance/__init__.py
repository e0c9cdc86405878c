"""A table, what is pinned of it and a policy go in; fewer files and snapshots of the same rows come out."""

from plugins.core.lake.maintenance.table import Maintained, maintain_table

__all__ = ["Maintained", "maintain_table"]
