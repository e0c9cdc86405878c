"""What stands in FROM: tables, CTEs, subqueries, joins, lateral subqueries, unnest, table functions, values."""

from __future__ import annotations

from sqlglot import exp

from plugins.core.lineage.expressions import collect, name_of
from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.relations import Column, Inputs, Relation, Rows, add_rows, mark_rows, merge
from plugins.core.lineage.scope import Scope


def join_sources(node: exp.Expr, scope: Scope, rows: Rows) -> None:
    """Add a FROM item or a join, with its condition, to the scope; what it joins by goes to `rows`."""
    join = node if isinstance(node, exp.Join) else None
    item = join.this if join is not None else node
    before = list(scope.sources)
    if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table) and not item.alias:
        # Parentheses around joined tables: their names stay visible.
        for inner in (item.this, *(item.args.get("joins") or ())):
            join_sources(inner, scope, rows)
        if join is not None:
            _read_condition(join, scope, before, Relation(), rows)
        return
    relation = read_source(item, scope.so_far())
    alias = _alias(item) or f"_source_{len(scope.sources)}"
    # Two sources of one name (`from a.orders join b.orders`) are told apart by their order only.
    scope.sources[alias if alias not in scope.sources else f"{alias}_{len(scope.sources)}"] = relation
    for inner in item.args.get("joins") or () if isinstance(item, exp.Table) else ():
        join_sources(inner, scope, rows)
    if join is not None:
        _read_condition(join, scope, before, relation, rows)


def _read_condition(join: exp.Join, scope: Scope, before: list[str], joined: Relation, rows: Rows) -> None:
    if join.args.get("on") is not None:
        mark_rows(rows, collect(join.args["on"], scope, rows), Kind.JOIN)
    names = [name_of(item) for item in join.args.get("using") or ()]
    if (join.args.get("method") or "").upper() == "NATURAL":
        names = [key for key in joined.columns if any(key in scope.sources[alias].columns for alias in before)]
    for name in names:
        left = scope.merged.get(name) or next(
            (c for alias in before if (c := scope.sources[alias].column(name)) is not None), None
        )
        right = joined.column(name)
        sides = [column for column in (left, right) if column is not None]
        for column in sides:
            mark_rows(rows, column.inputs, Kind.JOIN)
        if sides:
            scope.merged[name] = _joined_column(name, sides, (join.args.get("side") or "").upper())


def _joined_column(name: str, sides: list[Column], side: str) -> Column:
    """USING gives the left value of an inner or left join, the right of a right join, of a full join either."""
    if len(sides) == 1 or side == "RIGHT":
        return sides[-1]
    if side != "FULL":
        return sides[0]
    inputs: Inputs = {}
    for column in sides:
        merge(inputs, column.inputs)
    return Column(sides[0].name, inputs, passes=tuple(sides))


def _alias(item: exp.Expr) -> str:
    if isinstance(item, (exp.Table, exp.Subquery, exp.Unnest, exp.Values, exp.Lateral)):
        pivots = item.args.get("pivots") or ()
        for pivot in reversed(pivots):
            if pivot.args.get("alias") is not None:
                return name_of(pivot.args["alias"].this)
    return (item.alias_or_name or "").lower()


def read_source(item: exp.Expr, scope: Scope) -> Relation:
    """The relation of one FROM item, with the column names that its alias gives, and its pivots applied."""
    from plugins.core.lineage.pivots import apply_pivot
    from plugins.core.lineage.query import rename_columns

    relation = _read_item(item, scope)
    alias = item.args.get("alias")
    if isinstance(alias, exp.TableAlias) and not isinstance(item, exp.Unnest):
        relation = rename_columns(relation, [column.name for column in alias.columns])
    for pivot in item.args.get("pivots") or ():
        relation = apply_pivot(pivot, relation, scope)
    return relation


def _read_item(item: exp.Expr, scope: Scope) -> Relation:
    from plugins.core.lineage.query import read_query

    if isinstance(item, exp.Table):
        return _read_table(item, scope)
    if isinstance(item, exp.Unnest):
        return _read_unnest(item, scope)
    if isinstance(item, exp.Lateral):
        inner = item.this
        if isinstance(inner, exp.Subquery):
            return read_query(inner, scope)
        return _from_arguments(inner, scope)
    if isinstance(item, exp.Subquery) and (isinstance(item.this, exp.Table) or item.args.get("joins")):
        return _read_joined(item, scope)
    if isinstance(item, exp.Subquery):
        return read_query(item.this, scope)
    if isinstance(item, (exp.Query, exp.Values, exp.Pivot)):
        return read_query(item, scope)
    return _from_arguments(item, scope)


def _read_table(table: exp.Table, scope: Scope) -> Relation:
    if not isinstance(table.this, exp.Identifier):
        return _from_arguments(table.this, scope)
    parts = [part.name.lower() for part in table.parts]
    if len(parts) == 1:
        cte = scope.cte(parts[0])
        if cte is not None:
            return cte
    return scope.context.tables.relation(parts)


def _read_joined(item: exp.Subquery, scope: Scope) -> Relation:
    """`(a join b using (id))` as one source: all columns of both."""
    from plugins.core.lineage.stars import expand_star

    inner = Scope(scope.context, parent=scope)
    result = Relation()
    join_sources(item.this, inner, result.rows)
    for join in item.args.get("joins") or ():
        join_sources(join, inner, result.rows)
    for source in inner.sources.values():
        add_rows(result.rows, source.rows)
    expand_star(exp.Star(), inner, result)
    result.shaped_by, result.parts = (item, inner), tuple(inner.sources.values())
    return result


def _read_unnest(unnest: exp.Unnest, scope: Scope) -> Relation:
    """Each named column comes from its list, or, when a list of structs gives several, from any of them."""
    rows: Rows = {}
    lists = [collect(item, scope, rows, Kind.TRANSFORMATION) for item in unnest.expressions]
    everything: Inputs = {}
    for inputs in lists:
        merge(everything, inputs)
    alias = unnest.args.get("alias")
    names = [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    # BigQuery's `unnest(l) as x` names the column, not the table.
    if not names and isinstance(alias, exp.TableAlias) and alias.this is not None:
        names = [alias.name]
    one_each = len(names) == len(lists)
    columns = {
        name.lower(): Column(name, lists[n] if one_each else everything, made_by=(unnest, scope), part=n)
        for n, name in enumerate(names)
    }
    offset = unnest.args.get("offset")
    if isinstance(offset, exp.Identifier):
        columns[offset.name.lower()] = Column(offset.name, everything, made_by=(unnest, scope), part="offset")
    mark_rows(rows, everything, Kind.JOIN)
    return Relation(columns, anything=everything, rows=rows, shaped_by=(unnest, scope))


def _from_arguments(function: exp.Expr, scope: Scope) -> Relation:
    """A table function: whatever its columns are, they come from its arguments."""
    rows: Rows = {}
    inputs = collect(function, scope, rows, Kind.TRANSFORMATION)
    mark_rows(rows, inputs, Kind.JOIN)
    return Relation(anything=inputs, rows=rows, shaped_by=(function, scope))
