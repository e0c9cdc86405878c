"""What a column means, as a short text that is the same for the same meaning.

Names of CTEs and aliases, comments, formatting and the order of columns leave no trace; the columns of
tables outside do. Used to tell which columns of a changed model really changed.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlglot import exp

from plugins.core.lineage.expressions import column_parts, name_of
from plugins.core.lineage.query import multiplies_rows, read_query
from plugins.core.lineage.relations import Column, Relation
from plugins.core.lineage.scope import Scope
from plugins.core.lineage.stars import star_of

# Parts of a query that decide which rows there are, apart from the select list and FROM.
_ROW_CLAUSES = ("where", "group", "having", "qualify", "distinct", "limit", "offset", "order", "sample")


def column_fingerprint(column: Column) -> str:
    """The meaning of a column's values, given the rows."""
    return _short(_column(column))


def rows_fingerprint(relation: Relation) -> str:
    """The meaning of a relation's rows: what they are read from, joined, filtered, grouped and limited by."""
    return _short(_rows(relation))


def _short(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def _column(column: Column) -> Any:
    if len(column.passes) == 1:
        return _column(column.passes[0])
    if column.passes:
        return ("several", *[_column(passed) for passed in column.passes])
    if column.made_by is not None:
        expression, scope = column.made_by
        return _expression(expression.this if isinstance(expression, exp.Alias) else expression, scope)
    return ("column", *sorted((node, name, int(kind)) for (node, name), kind in column.inputs.items()))


def _expression(node: exp.Expr, scope: Scope) -> Any:
    if isinstance(node, exp.Paren):
        return _expression(node.this, scope)
    if isinstance(node, exp.Column) and star_of(node) is None:
        column, is_field = scope.resolve(column_parts(node))
        return ("field", _column(column), node.name) if is_field else _column(column)
    if isinstance(node, exp.Query) and not isinstance(node, exp.Table):
        relation = read_query(node, scope)
        return ("query", _rows(relation), [_column(column) for column in relation.columns.values()])
    if isinstance(node, exp.Window) and node.args.get("alias") is not None:
        named = scope.windows.get(name_of(node.args["alias"]))
        rest = _parts(node, scope, skip=("alias",))
        return (*rest, _parts(named, scope, skip=("this",)) if named is not None else node.alias)
    return _parts(node, scope)


def _parts(node: exp.Expr, scope: Scope, skip: tuple[str, ...] = ()) -> tuple[Any, ...]:
    found: list[Any] = [type(node).__name__]
    for key, value in sorted(node.args.items()):
        if key in skip or value is None or value is False or value == []:
            continue
        found.append((key, _value(value, scope)))
    return tuple(found)


def _value(value: Any, scope: Scope) -> Any:
    if isinstance(value, list):
        return [_value(item, scope) for item in value]
    if isinstance(value, exp.Identifier):
        return value.name.lower()
    return _expression(value, scope) if isinstance(value, exp.Expr) else str(value)


def _rows(relation: Relation) -> Any:
    shaped_by = relation.shaped_by
    if isinstance(shaped_by, str):
        return ("table", shaped_by)
    if shaped_by is None:
        return ("sources", [_rows(part) for part in relation.parts])
    node, scope = shaped_by
    if isinstance(node, exp.SetOperation):
        return _set_rows(node, relation)
    if isinstance(node, exp.Select):
        return _select_rows(node, scope, relation)
    return (_parts(node, scope, skip=("alias", "this")), [_rows(part) for part in relation.parts])


def _set_rows(node: exp.SetOperation, relation: Relation) -> Any:
    sides = [_rows(part) for part in relation.parts]
    if isinstance(node, exp.Union) and not node.args.get("distinct"):
        return ("union all", sides)
    return (type(node).__name__, sides, [[_column(c) for c in part.columns.values()] for part in relation.parts])


def _select_rows(node: exp.Select, scope: Scope, relation: Relation) -> Any:
    sources = [_rows(part) for part in relation.parts]
    joins = [_parts(join, scope, skip=("this",)) for join in node.args.get("joins") or ()]
    clauses = [
        (key, _clause(key, node.args[key], scope, relation))
        for key in _ROW_CLAUSES
        if node.args.get(key) is not None and _matters(key, node)
    ]
    if not joins and not clauses and len(sources) == 1 and not _multiplies(node):
        return sources[0] if not _aggregates(node) else ("one row", sources[0])
    multiplied = [_expression(p, scope) for p in node.expressions if multiplies_rows(p)]
    return ("select", sources, joins, clauses, multiplied, _aggregates(node))


def _clause(key: str, clause: exp.Expr, scope: Scope, relation: Relation) -> Any:
    if key == "distinct" and clause.args.get("on") is None:
        return sorted(repr(_column(column)) for column in relation.columns.values())
    if key == "group":
        return _group(clause, relation, scope)
    return _parts(clause, scope)


def _group(clause: exp.Expr, relation: Relation, scope: Scope) -> Any:
    if clause.args.get("all"):
        return ("all", sorted(repr(_column(c)) for c in relation.columns.values() if not _is_aggregate(c)))
    columns = list(relation.columns.values())
    items: list[str] = []
    for item in clause.expressions:
        if isinstance(item, exp.Literal) and not item.is_string and 0 < int(item.this) <= len(columns):
            items.append(repr(_column(columns[int(item.this) - 1])))
        else:
            items.append(repr(_expression(item, scope)))
    return (sorted(items), _parts(clause, scope, skip=("expressions",)))


def _is_aggregate(column: Column) -> bool:
    return column.made_by is not None and column.made_by[0].find(exp.AggFunc) is not None


def _matters(key: str, node: exp.Select) -> bool:
    """An order without a limit decides nothing about the rows of a table."""
    return key != "order" or any(node.args.get(k) is not None for k in ("limit", "offset", "distinct"))


def _multiplies(node: exp.Select) -> bool:
    return any(multiplies_rows(projection) for projection in node.expressions)


def _aggregates(node: exp.Select) -> bool:
    return node.args.get("group") is None and any(
        aggregate.find_ancestor(exp.Window, exp.Query) is node
        for projection in node.expressions
        for aggregate in projection.find_all(exp.AggFunc)
    )
