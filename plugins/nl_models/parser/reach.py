"""How rows of one table reach those of another, and whether one row reaches many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plugins.nl_models.catalog.schema import Catalog, Join
from plugins.nl_models.plan import ColumnRef
from plugins.nl_models.render.joining import shortest_path


def first_many(catalog: Catalog, root: str, name: str, via: Sequence[ColumnRef] = ()) -> Join | None:
    """The join on the way from `root` to `name` by which a row first reaches many; None if it reaches one."""
    current = root
    for join in shortest_path(catalog, [root], name, {(key.table, key.name) for key in via}) or ():
        if join.parent == current and join.child != current:
            return join
        current = join.parent
    return None


def are_joined(catalog: Catalog, one: str, other: str) -> bool:
    """Whether one table refers to the other."""
    return any({join.child, join.parent} == {one, other} for join in catalog.joins)


def is_by_way_of(
    catalog: Catalog, root: str, name: str, used: Iterable[str | None], via: Sequence[ColumnRef] = ()
) -> bool:
    """Whether the way from `root` to `name` goes by a table that rows are shown of: then it is joined."""
    path = shortest_path(catalog, [root], name, {(key.table, key.name) for key in via}) or ()
    between = {table for join in path for table in (join.child, join.parent)} - {root, name}
    return bool(between & set(used))
