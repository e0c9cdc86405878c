"""A plan as SQL, built as a tree and never as text, so that no name or value can become code."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.plan import ColumnRef, Combined, Comparison, Condition, Literals, Measure, Plan, Term
from plugins.nl_models.render.joining import join_tree

_COMPARE = {"=": exp.EQ, "!=": exp.NEQ, ">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE}
_LIKE = {"contains": "%{}%", "starts with": "{}%", "ends with": "%{}"}
_SETS = {"union": exp.Union, "intersect": exp.Intersect, "except": exp.Except}


def to_sql(plan: Plan, catalog: Catalog, *, pretty: bool = False) -> str:
    """The plan in DuckDB's SQL. Raises SmeltError if its tables can't be joined."""
    return _query(plan, catalog).sql("duckdb", pretty=pretty)


def _query(plan: Plan, catalog: Catalog) -> exp.Query:
    tables = list(dict.fromkeys([*plan.tables, *(_tables_of(plan))]))
    aliases = {table: _alias(table, n, tables) for n, table in enumerate(tables)}
    joins = join_tree(catalog, tables, {(key.table, key.name) for key in plan.via})
    for join in joins:
        for table in (join.child, join.parent):
            aliases.setdefault(table, _alias(table, len(aliases), tables))
    query = _Query(catalog, aliases if joins else {})
    select = exp.select(*(query.term(term) for term in plan.select)).from_(query.table(tables[0]))
    reached = {tables[0]}
    for join in joins:
        new = join.parent if join.child in reached else join.child
        on = exp.EQ(
            this=query.column(ColumnRef(table=join.child, name=join.column)),
            expression=query.column(ColumnRef(table=join.parent, name=join.parent_column)),
        )
        select = select.join(query.table(new), on=on, join_type="inner")
        reached |= {join.child, join.parent}
    if plan.distinct:
        select = select.distinct()
    if plan.where is not None:
        select = select.where(query.condition(plan.where))
    if plan.group_by:
        select = select.group_by(*(query.column(column) for column in plan.group_by))
    if plan.having is not None:
        select = select.having(query.condition(plan.having))
    if plan.operator is not None and plan.other is not None:
        return _SETS[plan.operator](this=select, expression=_query(plan.other, catalog), distinct=True)
    for order in plan.order_by:
        select = select.order_by(
            exp.Ordered(this=query.operand(order.by), desc=order.descending, nulls_first=False)
        )
    return select.limit(plan.limit) if plan.limit is not None else select


def _alias(table: str, number: int, tables: list[str]) -> str:
    """A table's own last name, which no other table of the query has."""
    name = table.split(".")[-1].lower()
    same = [other for other in tables if other.split(".")[-1].lower() == name]
    return name if len(same) < 2 else f"{name}_{number}"


def _tables_of(plan: Plan) -> Iterator[str]:
    terms = [*plan.select, *plan.group_by, *(order.by for order in plan.order_by)]
    terms += [c.left for c in _comparisons(plan.where)] + [c.left for c in _comparisons(plan.having)]
    terms += [c.right for c in _comparisons(plan.where) if isinstance(c.right, ColumnRef)]
    for term in terms:
        if isinstance(term, ColumnRef):
            yield term.table
        elif term.column is not None:
            yield term.column.table
        elif term.table is not None:
            yield term.table


def _comparisons(condition: Condition | None) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    elif condition is not None:
        for part in condition.parts:
            yield from _comparisons(part)


class _Query:
    """Renders the parts of one query. aliases: of its tables, if there is more than one."""

    def __init__(self, catalog: Catalog, aliases: dict[str, str]) -> None:
        self.catalog = catalog
        self.aliases = aliases

    def table(self, name: str) -> exp.Table:
        *schema, table = name.split(".")
        found = exp.Table(
            this=exp.to_identifier(table, quoted=_needs_quotes(table)),
            db=exp.to_identifier(schema[0], quoted=_needs_quotes(schema[0])) if schema else None,
        )
        alias = self.aliases.get(name)
        if alias is None or alias == table:
            return found
        return found.as_(exp.to_identifier(alias, quoted=_needs_quotes(alias)))  # type: ignore[return-value]

    def column(self, ref: ColumnRef) -> exp.Column:
        alias = self.aliases.get(ref.table)
        return exp.Column(
            this=exp.to_identifier(ref.name, quoted=_needs_quotes(ref.name)),
            table=exp.to_identifier(alias, quoted=_needs_quotes(alias)) if alias else None,
        )

    def term(self, term: Term) -> exp.Expr:
        if isinstance(term, ColumnRef):
            return self.column(term)
        if term.column is None:
            return exp.Count(this=exp.Star())
        column = self.column(term.column) if term.function == "count" else self.operand(term.column)
        if term.distinct:
            column = exp.Distinct(expressions=[column])
        function = {"count": exp.Count, "sum": exp.Sum, "avg": exp.Avg, "min": exp.Min, "max": exp.Max}[
            term.function
        ]
        return function(this=column)

    def operand(self, term: Term) -> exp.Expr:
        """A term to calculate and compare with: of numbers in text, the numbers."""
        if isinstance(term, Measure):
            return self.term(term)
        column = self.catalog.column(term.table, term.name)
        if column.kind == "number" and column.data_type.upper().startswith("VARCHAR"):
            return exp.TryCast(this=self.column(term), to=exp.DataType.build("double"))
        return self.column(term)

    def condition(self, condition: Condition) -> exp.Expr:
        if isinstance(condition, Combined):
            parts = [self.condition(part) for part in condition.parts]
            return exp.and_(*parts) if condition.kind == "all" else exp.or_(*parts)
        is_text = condition.operator in (*_LIKE, "in", "not in", "is null", "is not null")
        left = self.term(condition.left) if is_text else self.operand(condition.left)
        if isinstance(condition.right, Plan):
            return self.against_query(condition, left, condition.right)
        if isinstance(condition.right, ColumnRef):
            return _COMPARE[condition.operator](this=left, expression=self.column(condition.right))
        return self.against_values(condition, left, condition.right)

    def against_query(self, condition: Comparison, left: exp.Expr, plan: Plan) -> exp.Expr:
        query = _query(plan, self.catalog)
        if condition.operator == "not in" and isinstance(query, exp.Select):
            # One null among them, and nothing would be known not to be in.
            known = exp.Not(this=exp.Is(this=query.selects[0].copy(), expression=exp.Null()))
            query = query.where(known)
        if condition.operator in ("in", "not in"):
            found = exp.In(this=left, query=exp.Subquery(this=query))
            return exp.Not(this=found) if condition.operator == "not in" else found
        return _COMPARE[condition.operator](this=left, expression=exp.Subquery(this=query))

    def against_values(self, condition: Comparison, left: exp.Expr, right: Literals) -> exp.Expr:
        if condition.operator in ("is null", "is not null"):
            missing = exp.Is(this=left, expression=exp.Null())
            return missing if condition.operator == "is null" else exp.Not(this=missing)
        values = [exp.convert(value) for value in right.values]
        if condition.operator == "between":
            return exp.Between(this=left, low=values[0], high=values[1])
        if condition.operator in ("in", "not in"):
            found = exp.In(this=left, expressions=values)
            return exp.Not(this=found) if condition.operator == "not in" else found
        if pattern := _LIKE.get(condition.operator):
            return exp.ILike(this=left, expression=exp.Literal.string(pattern.format(right.values[0])))
        return _COMPARE[condition.operator](this=left, expression=values[0])


def _needs_quotes(name: str) -> bool:
    return (
        not (name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()) or name != name.lower()
    )
