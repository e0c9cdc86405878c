"""The column graph of a project: what a column is made from, and what it makes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from plugins.core.lineage.kinds import Kind

Place = tuple[str, str]
"""(node id, column in lower case)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One column that another is made from; without `to_column` it decides about all rows of the node."""

    from_node: str
    from_column: str
    to_node: str
    to_column: str | None
    kind: Kind


@dataclass(frozen=True)
class Node:
    """A table: its columns by lower-case name (as written), and why its SQL could not be read, if so.

    may_use: nodes of which it may use any column: it is unparsed, or Python.
    """

    id: str
    columns: Mapping[str, str]
    unparsed: str | None = None
    may_use: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """How a column reaches others.

    direct: through values. indirect: it decides about rows somewhere on the way (join, filter, group by).
    possible: nodes whose SQL can't be read, and what depends on them.
    """

    direct: frozenset[Place] = frozenset()
    indirect: frozenset[Place] = frozenset()
    possible: frozenset[str] = frozenset()

    @property
    def nodes(self) -> frozenset[str]:
        """Every node that is reached in any way."""
        return frozenset(node for node, _ in self.direct | self.indirect) | self.possible


@dataclass(frozen=True)
class ColumnGraph:
    """All nodes and edges, and the model-level parents of each node (`depends_on`)."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def unparsed(self) -> dict[str, str]:
        """Models that could not be read, with the reason."""
        return {node.id: node.unparsed for node in self.nodes.values() if node.unparsed}

    @property
    def column_count(self) -> int:
        """Columns of all nodes together."""
        return sum(len(node.columns) for node in self.nodes.values())

    @cached_property
    def into(self) -> dict[Place, list[Edge]]:
        """Direct edges by the column that they make."""
        found: dict[Place, list[Edge]] = {}
        for edge in self.edges:
            if edge.to_column is not None:
                found.setdefault((edge.to_node, edge.to_column), []).append(edge)
        return found

    @cached_property
    def rows_of(self) -> dict[str, list[Edge]]:
        """Indirect edges by the node whose rows they decide about."""
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            if edge.to_column is None:
                found.setdefault(edge.to_node, []).append(edge)
        return found

    @cached_property
    def out_of(self) -> dict[Place, list[Edge]]:
        """All edges by the column that they start from."""
        found: dict[Place, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault((edge.from_node, edge.from_column), []).append(edge)
        return found

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Model-level children of each node."""
        found: dict[str, list[str]] = {}
        for node, parents in self.parents.items():
            for parent in parents:
                found.setdefault(parent, []).append(node)
        return found

    def descendants(self, nodes: Iterable[str]) -> set[str]:
        """All nodes below, at the level of models."""
        return _closure(nodes, self.children)

    def ancestors(self, nodes: Iterable[str]) -> set[str]:
        """All nodes above, at the level of models."""
        return _closure(nodes, self.parents)

    def upstream(self, start: Iterable[Place]) -> Reach:
        """Everything that columns are made from, to the sources."""
        direct: set[Place] = set(start)
        queue = deque(direct)
        begun = frozenset(direct)
        while queue:
            for edge in self.into.get(queue.popleft(), ()):
                place = (edge.from_node, edge.from_column)
                if place not in direct:
                    direct.add(place)
                    queue.append(place)
        indirect = {
            (edge.from_node, edge.from_column)
            for node in {node for node, _ in direct}
            for edge in self.rows_of.get(node, ())
        }
        return Reach(frozenset(direct) - begun, frozenset(indirect - direct), self._unread_above(direct))

    def _unread_above(self, places: Iterable[Place]) -> frozenset[str]:
        unread = {node for node, _ in places if node in self.nodes and self.nodes[node].may_use}
        return frozenset(parent for node in unread for parent in self.nodes[node].may_use)

    def downstream(self, start: Iterable[Place], rows: Iterable[str] = ()) -> Reach:
        """Everything that columns reach. `rows`: nodes whose rows change, which touches all their columns."""
        direct, indirect = set(start), {place for node in rows for place in self._all_columns(node)}
        begun, changed = frozenset(direct | indirect), set(rows)
        queue = deque([(place, True) for place in direct] + [(place, False) for place in indirect])
        possible: set[str] = set()
        while queue:
            place, is_direct = queue.popleft()
            for edge in self.out_of.get(place, ()):
                if edge.to_column is None:
                    if edge.to_node not in changed:
                        changed.add(edge.to_node)
                        fresh = [p for p in self._all_columns(edge.to_node) if p not in indirect]
                        indirect.update(fresh)
                        queue.extend((p, False) for p in fresh)
                    continue
                target = (edge.to_node, edge.to_column)
                seen = direct if is_direct else indirect
                if target not in seen and not (not is_direct and target in direct):
                    seen.add(target)
                    queue.append((target, is_direct))
        touched = {node for node, _ in direct | indirect} | changed
        possible = self._unread_below(touched)
        return Reach(frozenset(direct - begun), frozenset(indirect - direct - begun), frozenset(possible))

    def _all_columns(self, node: str) -> list[Place]:
        known = self.nodes.get(node)
        # A node without known columns still has rows.
        return [(node, column) for column in known.columns] if known and known.columns else [(node, "*")]

    def _unread_below(self, touched: set[str]) -> set[str]:
        unread = {node.id for node in self.nodes.values() if node.may_use and not touched.isdisjoint(node.may_use)}
        return unread | self.descendants(unread)


def _closure(start: Iterable[str], step: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    queue = deque(start)
    while queue:
        for other in step.get(queue.popleft(), ()):
            if other not in found:
                found.add(other)
                queue.append(other)
    return found
