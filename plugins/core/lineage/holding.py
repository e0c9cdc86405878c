"""Columns that hold another column's values as they came: what a rule about the one says, it says of the other.

Edges tell a cast and a `case` both as transformations; which values come through is in the expression only, so the
queries on the way are looked at again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from plugins.core.errors import SmeltError
from plugins.core.lineage.expressions import column_parts
from plugins.core.lineage.graph import ColumnGraph, Edge, Place
from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.model import Schemas, read_relation
from plugins.core.lineage.relations import Column, Relation
from plugins.core.lineage.scope import Scope
from plugins.core.project.resources import Manifest

Held = Mapping[Place, bool]
"""Columns whose values a column holds: True, all that reach its rows; False, some perhaps, or in other letters."""

_WRAPPERS = (exp.Alias, exp.Paren, exp.Window, exp.Trim, exp.Nullif, exp.IgnoreNulls, exp.RespectNulls)
# They pick values of some rows.
_PICKS = (exp.Max, exp.Min, exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue, exp.Lag, exp.Lead)
_LETTERS = (exp.Upper, exp.Lower, exp.Initcap)


def holders(manifest: Manifest, graph: ColumnGraph, start: Place) -> dict[Place, bool]:
    """Columns downstream that hold values of `start`, and whether that is sure; nearest first.

    manifest: with compiled SQL. A column of the same name in a model that can't be read is one that may.
    """
    queries = _Queries(manifest, graph)
    found: dict[Place, bool] = {}
    queue = deque([(start, True)])
    while queue:
        place, is_sure = queue.popleft()
        for target, sure in _next(queries, graph, place).items():
            reached = is_sure and sure
            # What was doubtful on one way may be sure on another.
            if target != start and (target not in found or (reached and not found[target])):
                found[target] = reached
                queue.append((target, reached))
    return found


def _next(queries: _Queries, graph: ColumnGraph, place: Place) -> dict[Place, bool]:
    found: dict[Place, bool] = {}
    edges = graph.out_of.get(place, ())
    # A filter on the column may leave just the values out that a rule does not know.
    filtered = {edge.to_node for edge in edges if edge.kind is Kind.FILTER}
    for edge in edges:
        sure = _is_held(queries, edge)
        if edge.to_column is not None and sure is not None:
            found[edge.to_node, edge.to_column] = sure and edge.to_node not in filtered
    node, column = place
    for child in graph.children.get(node, ()):
        known = graph.nodes.get(child)
        if known is not None and node in known.may_use and column in known.columns:
            found.setdefault((child, column), False)
    return found


def _is_held(queries: _Queries, edge: Edge) -> bool | None:
    """Whether an edge hands values on: surely, perhaps, or (None) not at all."""
    if edge.kind is Kind.IDENTITY:
        return True
    if not edge.kind.is_direct or edge.to_column is None:
        return None
    return queries.held(edge.to_node, edge.to_column).get((edge.from_node, edge.from_column))


@dataclass
class _Queries:
    """Queries of models, read when somebody first asks."""

    manifest: Manifest
    graph: ColumnGraph
    _read: dict[str, Relation | None] = field(default_factory=dict)
    # With the column, whose id would else be another one's as soon as it is forgotten.
    _held: dict[int, tuple[Column, Held]] = field(default_factory=dict)

    def held(self, node: str, column: str) -> Held:
        """What the column of a model holds; empty for what can't be read."""
        if node not in self._read:
            self._read[node] = self._relation(node)
        relation = self._read[node]
        found = relation.columns.get(column) if relation is not None else None
        try:
            return self._of(found) if found is not None else {}
        except RecursionError:
            return {}

    def _relation(self, node: str) -> Relation | None:
        resource = self.manifest.resources.get(node)
        if resource is None or resource.sql is None:
            return None
        relations = {
            one: Relation(
                {key: Column(name, {(one, key): Kind.IDENTITY}) for key, name in known.columns.items()},
                shaped_by=one,
            )
            for one in (*resource.parents, node)
            if (known := self.graph.nodes.get(one)) is not None
        }
        try:
            relation, _ = read_relation(
                resource.sql, self.manifest.dialect, Schemas(self.manifest.names, relations)
            )
        except SmeltError:
            return None
        return relation

    def _of(self, column: Column) -> Held:
        if id(column) not in self._held:
            # A recursive query comes back to its own columns.
            self._held[id(column)] = (column, {})
            self._held[id(column)] = (column, self._made(column))
        return self._held[id(column)][1]

    def _made(self, column: Column) -> Held:
        if column.made_by is not None:
            expression, scope = column.made_by
            return self._expression(expression, scope) if column.part is None else {}
        if column.passes:
            return _merged(self._of(one) for one in column.passes)
        return {place: True for place, kind in column.inputs.items() if kind is Kind.IDENTITY}

    def _expression(self, node: exp.Expr | None, scope: Scope) -> Held:
        if isinstance(node, exp.Column):
            column, is_field = scope.resolve(column_parts(node))
            return {} if is_field else self._of(column)
        if isinstance(node, exp.Cast):
            return self._expression(node.this, scope) if node.to.is_type(*exp.DataType.TEXT_TYPES) else {}
        if isinstance(node, _WRAPPERS):
            return self._expression(node.this, scope)
        if isinstance(node, exp.Coalesce):
            others = _merged(self._expression(one, scope) for one in node.expressions)
            return {**_doubtful(others), **self._expression(node.this, scope)}
        if isinstance(node, exp.Case):
            branches = [one.args["true"] for one in node.args["ifs"]]
            return _doubtful(
                _merged(self._expression(one, scope) for one in (*branches, node.args.get("default")))
            )
        if isinstance(node, exp.If):
            sides = (node.args.get("true"), node.args.get("false"))
            return _doubtful(_merged(self._expression(one, scope) for one in sides))
        if isinstance(node, (*_PICKS, *_LETTERS)):
            return _doubtful(self._expression(node.this, scope))
        return {}


def _merged(all_: Iterable[Held]) -> Held:
    found: dict[Place, bool] = {}
    for held in all_:
        for place, is_sure in held.items():
            found[place] = is_sure or found.get(place, False)
    return found


def _doubtful(held: Held) -> Held:
    return dict.fromkeys(held, False)
