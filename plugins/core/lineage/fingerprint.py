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
    if column.meaning is None:
        column.meaning = _short(_column(column))
    return column.meaning


def rows_fingerprint(relation: Relation) -> str:
    """The meaning of a relation's rows: what they are read from, joined, filtered, grouped and limited by."""
    if relation.meaning is None:
        relation.meaning = _short(_rows(relation))
    return relation.meaning


def fingerprint_from_below(relation: Relation) -> None:
    """Fingerprint what a relation is made of first, so that a long chain of CTEs is not a deep recursion."""
    waiting: list[tuple[Relation, bool]] = [(relation, False)]
    while waiting:
        current, are_parts_done = waiting.pop()
        if current.meaning is not None:
            continue
        if not are_parts_done:
            waiting.append((current, True))
            waiting += [(part, False) for part in current.parts]
            continue
        rows_fingerprint(current)
        for column in current.columns.values():
            column_fingerprint(column)


def _short(value: Any) -> str:
    """The fingerprint of a structure; what is one already stays, so that handing on leaves no trace."""
    if isinstance(value, str):
        return value
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def _column(column: Column) -> Any:
    passed = [column_fingerprint(below) for below in column.passes]
    if column.made_by is not None:
        expression, scope = column.made_by
        made = _expression(expression.this if isinstance(expression, exp.Alias) else expression, scope)
        return made if column.part is None and not passed else ("one of", column.part, passed, made)
    if passed:
        handed_on = passed[0] if len(passed) == 1 else _short(("several", *passed))
        return _of_instance(handed_on, column.source)
    return ("column", *sorted((node, name, int(kind)) for (node, name), kind in column.inputs.items()))


def _of_instance(value: Any, source: tuple[Scope, str] | None) -> Any:
    """Of tables that are joined to themselves, in part perhaps, the same column has several values."""
    if source is None or len(source[0].sources) == 1:
        return value
    scope, alias = source
    own, others = scope.sources[alias], [r for name, r in scope.sources.items() if name != alias]
    if not any(set(own.opens) & set(other.opens) or value in _meanings(other) for other in others):
        return value
    rows = rows_fingerprint(own)
    same = [name for name, other in scope.sources.items() if rows_fingerprint(other) == rows]
    return ("instance", rows, same.index(alias), value)


def _meanings(relation: Relation) -> set[str]:
    return {column_fingerprint(column) for column in relation.columns.values()}


def _expression(node: exp.Expr, scope: Scope) -> Any:
    if isinstance(node, exp.Paren):
        return _expression(node.this, scope)
    if isinstance(node, exp.Column) and star_of(node) is None:
        parts = column_parts(node)
        column, is_field = scope.resolve(parts)
        value = _of_instance(column_fingerprint(column), scope.qualifier(parts))
        return ("field", value, node.name) if is_field else value
    if isinstance(node, exp.Query) and not isinstance(node, exp.Table):
        relation = read_query(node, scope)
        return ("query", rows_fingerprint(relation), [column_fingerprint(c) for c in relation.columns.values()])
    if isinstance(node, exp.Window) and node.args.get("alias") is not None:
        named = scope.windows.get(name_of(node.args["alias"]))
        rest = _parts(node, scope, skip=("alias",))
        return (*rest, _parts(named, scope, skip=("this",)) if named is not None else node.alias)
    return _parts(node, scope, skip=("alias",) if isinstance(node, (exp.Values, exp.Unnest, exp.Pivot)) else ())


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
        return ("sources", [rows_fingerprint(part) for part in relation.parts])
    node, scope = shaped_by
    if isinstance(node, exp.SetOperation):
        return _set_rows(node, relation)
    if isinstance(node, exp.Select):
        return _select_rows(node, scope, relation)
    return (_parts(node, scope, skip=("alias", "this")), [rows_fingerprint(part) for part in relation.parts])


def _set_rows(node: exp.SetOperation, relation: Relation) -> Any:
    sides = [rows_fingerprint(part) for part in relation.parts]
    if isinstance(node, exp.Union) and not node.args.get("distinct"):
        return ("union all", sides)
    columns = [[column_fingerprint(c) for c in part.columns.values()] for part in relation.parts]
    return (type(node).__name__, sides, columns)


def _select_rows(node: exp.Select, scope: Scope, relation: Relation) -> Any:
    sources = [rows_fingerprint(part) for part in relation.parts]
    joins = [_join(join, scope) for join in node.args.get("joins") or ()]
    clauses = [
        (key, _clause(key, node.args[key], scope, relation))
        for key in _ROW_CLAUSES
        if node.args.get(key) is not None and _matters(key, node)
    ]
    if not joins and not clauses and len(sources) == 1 and not _multiplies(node):
        return sources[0] if not _aggregates(node) else ("one row", sources[0])
    multiplied = [_expression(p, scope) for p in node.expressions if multiplies_rows(p)]
    return ("select", sources, joins, clauses, multiplied, _aggregates(node))


def _join(join: exp.Join, scope: Scope) -> Any:
    is_implied = (join.args.get("kind") or "").upper() in ("INNER", "OUTER", "CROSS")
    return _parts(join, scope, skip=("this", "kind") if is_implied else ("this",))


def _clause(key: str, clause: exp.Expr, scope: Scope, relation: Relation) -> Any:
    if key == "distinct" and clause.args.get("on") is None:
        return sorted(column_fingerprint(column) for column in relation.columns.values())
    if key == "group":
        return _group(clause, relation, scope)
    return _parts(clause, scope)


def _group(clause: exp.Expr, relation: Relation, scope: Scope) -> Any:
    if clause.args.get("all"):
        return ("all", sorted(column_fingerprint(c) for c in relation.columns.values() if not _is_aggregate(c)))
    columns = list(relation.columns.values())
    items: list[str] = []
    for item in clause.expressions:
        if isinstance(item, exp.Literal) and not item.is_string and 0 < int(item.this) <= len(columns):
            items.append(column_fingerprint(columns[int(item.this) - 1]))
        else:
            items.append(_short(_expression(item, scope)))
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
