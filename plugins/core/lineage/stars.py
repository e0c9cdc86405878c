"""What a star stands for: `*`, `t.*`, with exclude, replace and rename, and DuckDB's `columns(…)`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from plugins.core.lineage.expressions import collect, name_of
from plugins.core.lineage.kinds import Kind, through
from plugins.core.lineage.relations import Column, Inputs, Relation, merge
from plugins.core.lineage.scope import Scope


def star_of(projection: exp.Expr) -> exp.Star | None:
    """The star that a projection is (`*` or `t.*`), or None."""
    if isinstance(projection, exp.Star):
        return projection
    if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
        return projection.this
    return None


def expand_star(projection: exp.Expr, scope: Scope, into: Relation) -> None:
    """Add the columns that a star stands for to `into`."""
    star = star_of(projection)
    assert star is not None
    qualifier = name_of(projection.args.get("table")) if isinstance(projection, exp.Column) else ""
    excluded = {name_of(item) for item in star.args.get("except_") or ()}
    replaced = {name_of(item.args["alias"]): item for item in star.args.get("replace") or ()}
    renamed = {name_of(item.this): item.args["alias"].name for item in star.args.get("rename") or ()}
    for alias, column in _all(scope, qualifier):
        key = column.name.lower()
        if key in excluded:
            continue
        if key in replaced:
            expression = replaced[key].this
            column = Column(column.name, collect(expression, scope, into.rows), made_by=(expression, scope))
        else:
            column = column.passed_on(renamed.get(key), (scope, alias))
        _add(into, column, is_merged=key in scope.merged)
    _pass_on_unknown(scope, qualifier, into)


def _add(into: Relation, column: Column, is_merged: bool) -> None:
    """Add a column; the second of a name is called `name_1`, as DuckDB does."""
    key = column.name.lower()
    if key not in into.columns:
        into.columns[key] = column
    elif not is_merged:
        again = next(f"{column.name}_{n}" for n in range(1, 1000) if f"{key}_{n}" not in into.columns)
        into.columns[again.lower()] = column.passed_on(again)


def _all(scope: Scope, qualifier: str) -> Iterator[tuple[str, Column]]:
    """Columns with the alias of their source."""
    for alias, relation in scope.sources.items():
        if qualifier not in ("", alias):
            continue
        for key, column in relation.columns.items():
            yield alias, column if qualifier else scope.merged.get(key, column)


def _pass_on_unknown(scope: Scope, qualifier: str, into: Relation) -> None:
    for alias, relation in scope.sources.items():
        if qualifier in ("", alias):
            into.opens = tuple(dict.fromkeys(into.opens + relation.opens))
            if relation.anything is not None:
                into.anything = {**(into.anything or {}), **relation.anything}


def matching(node: exp.Expr, scope: Scope) -> list[Column]:
    """Columns that `columns(…)` stands for: all, or those a regular expression matches."""
    pattern = node.this
    columns = [column for _, column in _all(scope, "")]
    if isinstance(pattern, exp.Literal) and pattern.is_string:
        try:
            wanted = re.compile(pattern.this, re.IGNORECASE)
        except re.error:
            return columns
        return [column for column in columns if wanted.search(column.name)]
    if isinstance(pattern, exp.Star):
        excluded = {name_of(item) for item in pattern.args.get("except_") or ()}
        return [column for column in columns if column.name.lower() not in excluded]
    return columns


def expand_columns(projection: exp.Expr, scope: Scope, into: Relation) -> bool:
    """Add a projection around `columns(…)`, which makes one column for each that matches; False: there is none."""
    function = projection.find(exp.Columns)
    if function is None:
        return False
    kind = _kind_around(function, projection)
    for column in matching(function, scope):
        inputs: Inputs = {}
        merge(inputs, column.inputs, kind)
        made = Column(column.name, inputs, made_by=(projection, scope), passes=(column,))
        into.columns.setdefault(column.name.lower(), made)
    _pass_on_unknown(scope, "", into)
    return True


def _kind_around(function: exp.Expr, projection: exp.Expr) -> Kind:
    kind, node = Kind.IDENTITY, function
    while node is not projection and node.parent is not None:
        node = node.parent
        if isinstance(node, exp.AggFunc):
            kind = Kind.AGGREGATION
        elif not isinstance(node, (exp.Alias, exp.Paren)):
            kind = through(kind, Kind.TRANSFORMATION)
    return kind
