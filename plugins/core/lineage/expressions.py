"""The columns that an expression uses, and whether it hands them on, transforms or aggregates them."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from plugins.core.lineage.kinds import Kind, through
from plugins.core.lineage.relations import Inputs, Rows, add_rows, merge
from plugins.core.lineage.scope import Scope

# sqlglot files them under aggregates; they pick the value of one row.
_PICKS = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
_PASS = (exp.Alias, exp.Paren)


def name_of(identifier: exp.Expr | str | None) -> str:
    """An identifier's name in lower case; empty for none."""
    if identifier is None:
        return ""
    return (identifier if isinstance(identifier, str) else identifier.name).lower()


def column_parts(column: exp.Column) -> list[str]:
    """The dotted name of a column, in lower case, outermost part first."""
    args = column.args
    parts = [args.get("catalog"), args.get("db"), args.get("table"), args.get("this")]
    return [part.name.lower() for part in parts if part]


def collect(node: exp.Expr, scope: Scope, rows: Rows, kind: Kind = Kind.IDENTITY) -> Inputs:
    """Inputs of an expression. What decides the rows of subqueries in it is added to `rows`."""
    found: Inputs = {}
    _visit(node, scope, kind, found, rows)
    return found


def _visit(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        handler(node, scope, kind, found, rows)
        return
    if isinstance(node, exp.Query):
        _subquery(node, scope, kind, found, rows)
        return
    if isinstance(node, exp.AggFunc) and not isinstance(node, _PICKS):
        kind = Kind.AGGREGATION
    elif not isinstance(node, _PASS):
        kind = through(kind, Kind.TRANSFORMATION)
    _children(node, scope, kind, found, rows)


def _children(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows, skip: str = "") -> None:
    for key, value in node.args.items():
        if value is None or key == skip:
            continue
        if isinstance(value, list):
            for item in value:
                if isinstance(item, exp.Expr):
                    _visit(item, scope, kind, found, rows)
        elif isinstance(value, exp.Expr):
            _visit(value, scope, kind, found, rows)


def _column(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    assert isinstance(node, exp.Column)
    if isinstance(node.this, exp.Star):
        _star(node, scope, kind, found, rows)
        return
    column, is_field = scope.resolve(column_parts(node))
    merge(found, column.inputs, through(kind, Kind.TRANSFORMATION) if is_field else kind)


def _subquery(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    from plugins.core.lineage.query import read_query

    relation = read_query(node, scope)
    add_rows(rows, relation.rows)
    for column in relation.columns.values():
        merge(found, column.inputs, kind)
    merge(found, relation.anything or {}, kind)


def _star(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    """`count(*)` uses no column; `columns(*)` and `t.*` in an expression use all."""
    if isinstance(node, exp.Star):
        return
    qualifier = name_of(node.args.get("table"))
    for alias, relation in scope.sources.items():
        if qualifier in ("", alias):
            for column in relation.columns.values():
                merge(found, column.inputs, kind)


def _columns_function(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    from plugins.core.lineage.stars import matching

    for column in matching(node, scope):
        merge(found, column.inputs, kind)


def _window(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    _children(node, scope, through(kind, Kind.TRANSFORMATION), found, rows, skip="alias")
    named = scope.windows.get(name_of(node.args.get("alias")))
    if named is not None:
        _children(named, scope, through(kind, Kind.TRANSFORMATION), found, rows, skip="this")


def _named_argument(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    _visit(node.expression, scope, through(kind, Kind.TRANSFORMATION), found, rows)


def _comprehension(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    variable = name_of(node.args.get("expression"))
    inner = Scope(scope.context, parent=scope)
    from plugins.core.lineage.relations import Column

    over: Inputs = {}
    _visit(node.args["iterator"], scope, through(kind, Kind.TRANSFORMATION), over, rows)
    merge(found, over)
    inner.merged[variable] = Column(variable, over)
    for key in ("this", "condition"):
        if node.args.get(key) is not None:
            _visit(node.args[key], inner, through(kind, Kind.TRANSFORMATION), found, rows)


def _nothing(node: exp.Expr, scope: Scope, kind: Kind, found: Inputs, rows: Rows) -> None:
    """Literals and bare identifiers (types, units, parameters of lambdas) are no columns."""


_HANDLERS: dict[type[exp.Expr], Callable[[exp.Expr, Scope, Kind, Inputs, Rows], None]] = {
    exp.Column: _column,
    exp.Star: _star,
    exp.Columns: _columns_function,
    exp.Window: _window,
    exp.PropertyEQ: _named_argument,
    exp.Kwarg: _named_argument,
    exp.Comprehension: _comprehension,
    exp.Identifier: _nothing,
    exp.Literal: _nothing,
    exp.DataType: _nothing,
    exp.Var: _nothing,
}
