"""How one column influences another; the words are OpenLineage's (column lineage facet, spec 1-2-0)."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """Direct kinds make a value; of two that reach the same column, the greater says more.

    Indirect kinds decide which rows exist, or in what order they are taken: they touch every column.
    """

    IDENTITY = 0
    TRANSFORMATION = 1
    AGGREGATION = 2
    JOIN = 10
    FILTER = 11
    GROUP_BY = 12
    SORT = 13

    @property
    def is_direct(self) -> bool:
        """Whether it makes the value of one column rather than the rows of the relation."""
        return self < Kind.JOIN

    @property
    def word(self) -> str:
        """The kind as it is written in JSON: `identity`, `group_by`, …"""
        return self.name.lower()


DIRECT = (Kind.IDENTITY, Kind.TRANSFORMATION, Kind.AGGREGATION)
INDIRECT = (Kind.JOIN, Kind.FILTER, Kind.GROUP_BY, Kind.SORT)
KINDS: dict[str, Kind] = {kind.word: kind for kind in Kind}


def through(inner: Kind, outer: Kind) -> Kind:
    """The direct kind of a path: an identity adds nothing, an aggregation anywhere makes it one."""
    return inner if inner >= outer else outer
