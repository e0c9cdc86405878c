"""Reads a query: which columns it gives, and where each comes from.

One pass from the inside out: CTEs, FROM, then the select list; nothing is rewritten, so that a query that
an optimiser would refuse (an ambiguous name, an unknown column) still gives the lineage it has.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from plugins.core.errors import SmeltError
from plugins.core.lineage.expressions import collect, name_of
from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.pivots import read_pivot_statement
from plugins.core.lineage.relations import Column, Inputs, Relation, Rows, add_rows, mark_rows, merge
from plugins.core.lineage.scope import Alias, Scope
from plugins.core.lineage.sources import join_sources, read_source
from plugins.core.lineage.stars import expand_columns, expand_star, star_of


def read_query(node: exp.Expr, parent: Scope) -> Relation:
    """The relation that a query gives; `parent` explains names from around it.

    Raises SmeltError for a statement that is no query.
    """
    scope = Scope(parent.context, parent=parent)
    _read_ctes(node, scope)
    if isinstance(node, exp.Select):
        return _read_select(node, scope)
    if isinstance(node, exp.SetOperation):
        return _read_set_operation(node, scope)
    if isinstance(node, exp.Subquery):
        return _read_parenthesised(node, scope)
    if isinstance(node, exp.Values):
        return _read_values(node, scope)
    if isinstance(node, exp.Pivot):
        return read_pivot_statement(node, scope)
    if isinstance(node, exp.Table):
        return read_source(node, scope)
    raise SmeltError(f"it is no query (sqlglot reads it as {type(node).__name__})")


def _read_ctes(node: exp.Expr, scope: Scope) -> None:
    with_ = node.args.get("with_")
    if with_ is None:
        return
    for cte in with_.expressions:
        name = name_of(cte.args["alias"].this)
        # An ephemeral model arrives as a CTE that dbt wrote: it is a node of its own, not part of this one.
        if name.startswith("__dbt__cte__"):
            scope.ctes[name] = scope.context.tables.relation([name])
            continue
        inside = scope.so_far()
        if with_.recursive and isinstance(cte.this, exp.SetOperation):
            # What the anchor gives is what the recursive part reads.
            inside.ctes[name] = _renamed(read_query(cte.this.this, scope.so_far()), cte)
        scope.ctes[name] = _renamed(read_query(cte.this, inside), cte)


def _renamed(relation: Relation, aliased: exp.Expr) -> Relation:
    """The relation with the column names that an alias gives: `t(a, b)`."""
    alias = aliased.args.get("alias")
    names = [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    return rename_columns(relation, names)


def rename_columns(relation: Relation, names: list[str]) -> Relation:
    """The relation with its first columns called `names`."""
    if not names:
        return relation
    columns: dict[str, Column] = {}
    existing = list(relation.columns.values())
    for position, name in enumerate(names):
        if position < len(existing):
            columns[name.lower()] = existing[position].passed_on(name)
        else:
            columns[name.lower()] = relation.column(name.lower()) or Column(name, {})
    for column in existing[len(names) :]:
        columns.setdefault(column.name.lower(), column)
    return Relation(columns, relation.opens, relation.anything, relation.rows, relation.shaped_by, relation.parts)


def _read_select(node: exp.Select, scope: Scope) -> Relation:
    result = Relation(shaped_by=(node, scope))
    args = node.args
    if args.get("from_") is not None:
        join_sources(args["from_"].this, scope, result.rows)
    for lateral in args.get("laterals") or ():
        join_sources(lateral, scope, result.rows)
    for join in args.get("joins") or ():
        join_sources(join, scope, result.rows)
    for source in scope.sources.values():
        add_rows(result.rows, source.rows)
    for window in args.get("windows") or ():
        scope.windows[name_of(window.this)] = window
    _read_projections(node, scope, result)
    _read_clauses(node, scope, result)
    result.parts = tuple(scope.sources.values())
    return result


def _read_projections(node: exp.Select, scope: Scope, result: Relation) -> None:
    # An alias means something to the expressions after it only.
    seen = replace(scope)
    for position, projection in enumerate(node.expressions):
        if star_of(projection) is not None:
            expand_star(projection, scope, result)
            continue
        if expand_columns(projection, scope, result):
            continue
        name = projection.output_name or f"_col_{position}"
        column = Column(name, collect(projection, scope, result.rows), made_by=(projection, seen))
        if multiplies_rows(projection):
            mark_rows(result.rows, column.inputs, Kind.JOIN)
        key = name.lower()
        result.columns[key] = column
        if isinstance(projection, exp.Alias):
            scope.alias = Alias(key, column, scope.alias)
            seen = replace(scope)


def multiplies_rows(projection: exp.Expr) -> bool:
    """`unnest` in a select list makes several rows of one."""
    return projection.find(exp.UDTF, exp.Explode) is not None


def _read_clauses(node: exp.Select, scope: Scope, result: Relation) -> None:
    rows, args = result.rows, node.args
    for clause in ("where", "having", "qualify"):
        if args.get(clause) is not None:
            mark_rows(rows, collect(args[clause], scope, rows), Kind.FILTER)
    group = args.get("group")
    if group is not None:
        _read_group(group, node, scope, result)
    distinct = args.get("distinct")
    if distinct is not None:
        on = distinct.args.get("on")
        inputs = collect(on, scope, rows) if on is not None else _all_inputs(result)
        mark_rows(rows, inputs, Kind.GROUP_BY)
    if args.get("order") is not None:
        mark_rows(rows, _ordering(args["order"], scope, result), Kind.SORT)


def _read_group(group: exp.Expr, node: exp.Select, scope: Scope, result: Relation) -> None:
    if group.args.get("all"):
        for projection in node.expressions:
            if star_of(projection) is None and projection.find(exp.AggFunc) is None:
                mark_rows(result.rows, collect(projection, scope, result.rows), Kind.GROUP_BY)
        return
    for key in ("expressions", "cube", "rollup", "grouping_sets"):
        for item in group.args.get(key) or ():
            if isinstance(item, exp.Expr):
                mark_rows(result.rows, _by_position(item, scope, result), Kind.GROUP_BY)


def _ordering(order: exp.Expr, scope: Scope, result: Relation) -> Inputs:
    inputs: Inputs = {}
    for ordered in order.expressions:
        merge(inputs, _by_position(ordered.this if isinstance(ordered, exp.Ordered) else ordered, scope, result))
    return inputs


def _by_position(item: exp.Expr, scope: Scope, result: Relation) -> Inputs:
    """`group by 2` and `order by 2` mean the second column of the select list."""
    if isinstance(item, exp.Literal) and not item.is_string and item.this.isdigit():
        columns = list(result.columns.values())
        position = int(item.this) - 1
        return columns[position].inputs if 0 <= position < len(columns) else {}
    return collect(item, scope, result.rows)


def _all_inputs(relation: Relation) -> Inputs:
    inputs: Inputs = {}
    for column in relation.columns.values():
        merge(inputs, column.inputs)
    return inputs


def _read_set_operation(node: exp.SetOperation, scope: Scope) -> Relation:
    sides = [read_query(side, scope) for side in _sides(node)]
    rows: Rows = {}
    for side in sides:
        add_rows(rows, side.rows)
    result = Relation(rows=rows, shaped_by=(node, scope), parts=tuple(sides))
    result.opens = tuple(dict.fromkeys(node_id for side in sides for node_id in side.opens))
    for side in sides:
        if side.anything is not None:
            result.anything = {**(result.anything or {}), **side.anything}
    # Stars over unknown tables have no positions: what is known is then matched by name.
    by_name = bool(node.args.get("by_name")) or result.is_open
    # EXCEPT and INTERSECT give values of their first side only.
    giving = sides if isinstance(node, exp.Union) else sides[:1]
    result.columns = _by_name(giving) if by_name else _by_order(giving)
    # Which rows are equal depends on every column.
    is_all = isinstance(node, exp.Union) and not node.args.get("distinct")
    if not is_all:
        kind = Kind.GROUP_BY if isinstance(node, exp.Union) else Kind.FILTER
        for side in sides:
            mark_rows(rows, _all_inputs(side), kind)
    if node.args.get("order") is not None:
        inner = Scope(scope.context, parent=scope, sources={"": result})
        mark_rows(rows, _ordering(node.args["order"], inner, result), Kind.SORT)
    return result


def _sides(node: exp.Expr) -> list[exp.Expr]:
    """Both sides; a chain of the same union is taken apart without recursion (a thousand sides are possible)."""
    sides: list[exp.Expr] = []
    kind, distinct, by_name = type(node), node.args.get("distinct"), node.args.get("by_name")
    while (
        type(node) is kind
        and node.args.get("distinct") == distinct
        and node.args.get("by_name") == by_name
        and (not sides or node.args.get("with_") is None)
    ):
        sides.append(node.args["expression"])
        node = node.args["this"]
    sides.append(node)
    return sides[::-1]


def _by_order(sides: list[Relation]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    listed = [list(side.columns.values()) for side in sides]
    for position, first in enumerate(listed[0]):
        same = tuple(side[position] for side in listed if position < len(side))
        columns[first.name.lower()] = _united(first.name, same)
    return columns


def _by_name(sides: list[Relation]) -> dict[str, Column]:
    names = {key: column.name for side in sides for key, column in side.columns.items()}
    columns: dict[str, Column] = {}
    for key, name in names.items():
        same = tuple(column for side in sides if (column := side.column(key)) is not None)
        columns[key] = _united(name, same)
    return columns


def _united(name: str, same: tuple[Column, ...]) -> Column:
    inputs: Inputs = {}
    for column in same:
        merge(inputs, column.inputs)
    return Column(name, inputs, passes=same)


def _read_parenthesised(node: exp.Subquery, scope: Scope) -> Relation:
    inner = node.this
    if isinstance(inner, exp.Table) or node.args.get("joins") or node.args.get("pivots"):
        return read_source(node, scope)
    relation = read_query(inner, scope)
    return _renamed(relation, node)


def _read_values(node: exp.Values, scope: Scope) -> Relation:
    rows: Rows = {}
    width = max((len(row.expressions) for row in node.expressions if isinstance(row, exp.Tuple)), default=1)
    columns: dict[str, Column] = {}
    for position in range(width):
        cells = [
            row.expressions[position] if isinstance(row, exp.Tuple) else row
            for row in node.expressions
            if not isinstance(row, exp.Tuple) or position < len(row.expressions)
        ]
        inputs: Inputs = {}
        for cell in cells:
            merge(inputs, collect(cell, scope, rows, Kind.TRANSFORMATION))
        columns[f"col{position}"] = Column(f"col{position}", inputs, made_by=(node, scope), part=position)
    return _renamed(Relation(columns, rows=rows, shaped_by=(node, scope)), node)
