"""Which tables a query needs so that all it names hang together: a small Steiner tree over the joins."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence

from plugins.core.errors import SmeltError
from plugins.nl_models.catalog.schema import Catalog, Join

# A role counts as many joins as this.
_UNSAID_ROLE = 2.5


def join_tree(catalog: Catalog, tables: Sequence[str], via: Collection[tuple[str, str]] = ()) -> list[Join]:
    """The joins that connect `tables`, each with one table that the ones before it have.

    via: (table, column) of foreign keys that are preferred to others between the same tables. Greedy, as of
    Takahashi and Matsuyama (1980): the nearest table left is connected by the shortest path.
    Raises SmeltError if they can't be connected, or there are none.
    """
    if not tables:
        raise SmeltError("it is about no table", "name what the rows are of")
    joined = [tables[0]]
    left = [table for table in dict.fromkeys(tables) if table != tables[0]]
    found: list[Join] = []
    while left:
        paths = [path for table in left if (path := shortest_path(catalog, joined, table, via)) is not None]
        if not paths:
            raise SmeltError(f"nothing joins {left[0]} to {joined[0]}", "declare a relationship between them")
        for join in min(paths, key=lambda path: (len(path), -sum(join.confidence for join in path))):
            found.append(join)
            joined += [table for table in (join.child, join.parent) if table not in joined]
        left = [table for table in left if table not in joined]
    return found


def shortest_path(
    catalog: Catalog, start: Iterable[str], end: str, via: Collection[tuple[str, str]] = ()
) -> list[Join] | None:
    """The fewest joins from any of the tables to another; the surest of several between two tables."""
    came: dict[str, Join | None] = dict.fromkeys(start)
    cost = dict.fromkeys(came, 0.0)
    ranked = sorted(catalog.joins, key=lambda join: ((join.child, join.column) not in via, -join.confidence))
    queue = [(0.0, n, table) for n, table in enumerate(came)]
    done: set[str] = set()
    while queue:
        _, _, table = heapq.heappop(queue)
        if table == end:
            return _walk_back(came, table)
        if table in done:
            continue
        done.add(table)
        for join in ranked:
            if table in (join.child, join.parent):
                other = join.parent if join.child == table else join.child
                far = cost[table] + _step(catalog, join, via)
                if other not in cost or far < cost[other]:
                    came[other], cost[other] = join, far
                    heapq.heappush(queue, (far, len(cost), other))
    return None


def _step(catalog: Catalog, join: Join, via: Collection[tuple[str, str]]) -> float:
    """How far a join is: a role that nobody spoke of is farther than a table that only links two others."""
    is_unsaid = (join.child, join.column) in catalog.roles and (join.child, join.column) not in via
    return _UNSAID_ROLE if is_unsaid else 1.0


def _walk_back(came: dict[str, Join | None], table: str) -> list[Join]:
    path: list[Join] = []
    while (join := came[table]) is not None:
        path.append(join)
        table = join.parent if join.child == table else join.child
    return path[::-1]
