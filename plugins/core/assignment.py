"""One-to-one assignment at the least cost: shortest augmenting paths (Jonker and Volgenant 1987), in numpy.

Candidates fall into groups that share no column; each group is solved by itself, so that wide tables stay quick.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def assign(gains: Mapping[tuple[int, int], float]) -> dict[int, int]:
    """The pairs (row → column) with the greatest sum of gains; a row or column may stay alone, at a gain of 0."""
    useful = {pair: gain for pair, gain in gains.items() if gain > 0}
    if len({row for row, _ in useful}) == len({column for _, column in useful}) == len(useful):
        return dict(useful.keys())
    # Most checks have nothing that two want, and needn't wait for it.
    import networkx as nx

    graph = nx.Graph()
    graph.add_edges_from((("row", row), ("column", column)) for row, column in useful)
    chosen: dict[int, int] = {}
    for part in nx.connected_components(graph):
        rows = sorted(one for side, one in part if side == "row")
        columns = sorted(one for side, one in part if side == "column")
        chosen |= _solve(rows, columns, useful)
    return chosen


def _solve(rows: list[int], columns: list[int], gains: Mapping[tuple[int, int], float]) -> dict[int, int]:
    if len(rows) == 1 or len(columns) == 1:
        best = max(((one, two) for one in rows for two in columns), key=lambda pair: gains.get(pair, 0.0))
        return {best[0]: best[1]}
    # Each row has a column of its own, beyond the real ones, that stands for staying alone.
    costs = np.zeros((len(rows), len(columns) + len(rows)))
    for number, row in enumerate(rows):
        costs[number, : len(columns)] = [-gains.get((row, column), -1e6) for column in columns]
    found = least_cost(costs)
    return {rows[row]: columns[place] for row, place in enumerate(found) if place < len(columns)}


def least_cost(costs: NDArray[np.float64]) -> list[int]:
    """The column of each row, one-to-one, at the least sum; shape (n, m) with n ≤ m."""
    height, width = costs.shape
    row_price, column_price = np.zeros(height + 1), np.zeros(width + 1)
    owner = np.zeros(width + 1, dtype=np.int64)
    for row in range(1, height + 1):
        owner[0] = row
        came_from = np.zeros(width + 1, dtype=np.int64)
        distance = np.full(width + 1, np.inf)
        done = np.zeros(width + 1, dtype=bool)
        column = 0
        while owner[column]:
            done[column] = True
            here = int(owner[column])
            reduced = costs[here - 1] - row_price[here] - column_price[1:]
            closer = ~done[1:] & (reduced < distance[1:])
            distance[1:][closer] = reduced[closer]
            came_from[1:][closer] = column
            open_ = np.where(done, np.inf, distance)
            open_[0] = np.inf
            nearest = int(open_.argmin())
            step = open_[nearest]
            row_price[owner[done]] += step
            column_price[done] -= step
            distance[~done] -= step
            column = nearest
        while column:
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    answer = [0] * height
    for column in range(1, width + 1):
        if owner[column]:
            answer[owner[column] - 1] = column - 1
    return answer
