"""PIVOT and UNPIVOT, as a clause after a table and as DuckDB's statement."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from plugins.core.lineage.expressions import collect, name_of
from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.relations import Column, Inputs, Relation, Rows, mark_rows, merge
from plugins.core.lineage.scope import Scope
from plugins.core.lineage.stars import matching


def apply_pivot(pivot: exp.Pivot, relation: Relation, scope: Scope) -> Relation:
    """The relation after a PIVOT or UNPIVOT clause."""
    inner = Scope(scope.context, parent=scope, sources={"": relation})
    if pivot.args.get("unpivot"):
        return _unpivot(pivot, relation, inner, pivot.args.get("fields") or ())
    result = _pivot(pivot, relation, inner, pivot.args.get("expressions") or (), pivot.args.get("fields") or ())
    alias = pivot.args.get("alias")
    names = [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
    if names:
        from plugins.core.lineage.query import rename_columns

        return rename_columns(result, names)
    return result


def read_pivot_statement(pivot: exp.Pivot, scope: Scope) -> Relation:
    """`pivot t on c using sum(x) group by y` and `unpivot t on a, b into name n value v`."""
    from plugins.core.lineage.sources import read_source

    relation = read_source(pivot.this, scope)
    inner = Scope(scope.context, parent=scope, sources={"": relation})
    if pivot.args.get("unpivot"):
        return _unpivot(pivot, relation, inner, pivot.expressions)
    return _pivot(pivot, relation, inner, pivot.args.get("using") or (), pivot.expressions)


def _pivot(
    pivot: exp.Pivot,
    relation: Relation,
    inner: Scope,
    aggregates: Sequence[exp.Expr],
    fields: Sequence[exp.Expr],
) -> Relation:
    """Columns that are neither pivoted nor aggregated group; one column arises per value (and aggregate)."""
    rows: Rows = dict(relation.rows)
    made: Inputs = {}
    for aggregate in aggregates:
        merge(made, collect(aggregate, inner, rows, Kind.AGGREGATION), Kind.AGGREGATION)
    on: Inputs = {}
    for field in fields:
        merge(on, collect(field.this if isinstance(field, exp.In) else field, inner, rows))
    merge(made, on, Kind.AGGREGATION)
    group = pivot.args.get("group")
    if group is not None:
        groups = {item.name.lower(): collect(item, inner, rows) for item in group.expressions}
    else:
        used = _names(aggregates) | _names(fields)
        groups = {key: column.inputs for key, column in relation.columns.items() if key not in used}
    columns = {
        key: Column(relation.columns[key].name if key in relation.columns else key, inputs)
        for key, inputs in groups.items()
    }
    for inputs in groups.values():
        mark_rows(rows, inputs, Kind.GROUP_BY)
    names = _new_columns(pivot, aggregates, fields)
    for name in names:
        columns[name.lower()] = Column(name, dict(made), made_by=(pivot, inner), part=name.lower())
    # Without the names of the new columns, any other name is one of them.
    anything = dict(made) if not names else None
    return Relation(
        columns,
        opens=relation.opens,
        anything=anything,
        rows=rows,
        shaped_by=(pivot, inner),
        parts=(relation,),
    )


def _new_columns(pivot: exp.Pivot, aggregates: Sequence[exp.Expr], fields: Sequence[exp.Expr]) -> list[str]:
    """Names of the columns that arise, where the query lists the values; empty: they depend on the data."""
    if pivot.args.get("columns"):
        return [column.name for column in pivot.args["columns"]]
    if not fields or not all(isinstance(field, exp.In) for field in fields):
        return []
    values = [""]
    for field in fields:
        values = [f"{old}_{item.name}".lstrip("_") for old in values for item in field.expressions]
    if len(aggregates) == 1 and not aggregates[0].alias:
        return values
    suffixes = [aggregate.alias or aggregate.sql("duckdb").lower() for aggregate in aggregates]
    return [f"{value}_{suffix}" for value in values for suffix in suffixes]


def _unpivot(pivot: exp.Pivot, relation: Relation, inner: Scope, fields: Sequence[exp.Expr]) -> Relation:
    """The unpivoted columns become values of one column, and their names those of another."""
    rows: Rows = dict(relation.rows)
    folded: Inputs = {}
    gone: set[str] = set()
    names: list[str] = []
    for field in fields:
        items = field.expressions if isinstance(field, exp.In) else [field]
        if isinstance(field, exp.In):
            names.append(field.this.name)
        for item in items:
            merge(folded, collect(item, inner, rows, Kind.TRANSFORMATION))
            gone |= _names([item])
            for function in item.find_all(exp.Columns):
                gone |= {column.name.lower() for column in matching(function, inner)}
    into = pivot.args.get("into")
    if into is not None:
        names += [into.this.name] if into.this is not None else []
        names += [item.name for item in into.expressions]
    elif isinstance(fields[0] if fields else None, exp.In):
        names += [name_of(item) for item in pivot.expressions]
    names = names or ["name", "value"]
    columns = {key: column for key, column in relation.columns.items() if key not in gone}
    for n, name in enumerate(names):
        columns[name.lower()] = Column(name, dict(folded), made_by=(pivot, inner), part=n)
    return Relation(columns, opens=relation.opens, rows=rows, shaped_by=(pivot, inner), parts=(relation,))


def _names(expressions: Sequence[exp.Expr]) -> set[str]:
    found: set[str] = set()
    for expression in expressions:
        target = expression.this if isinstance(expression, exp.In) else expression
        found |= {column.name.lower() for column in target.find_all(exp.Column)}
        if isinstance(target, exp.Identifier):
            found.add(target.name.lower())
    return found
