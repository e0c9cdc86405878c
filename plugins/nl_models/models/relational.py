"""A plan over tables as a query in house style: what is read, what is chosen of it, what is made of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import exp

from plugins.core.errors import SmeltError
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.models.expressions import of_tree
from plugins.nl_models.models.ground import Ground, Input
from plugins.nl_models.models.house import Column, Join, Query, Select
from plugins.nl_models.models.naming import singular
from plugins.nl_models.plan import ColumnRef, Measure, Plan, Term
from plugins.nl_models.render.sql import to_sql

_WORDS = {"sum": "total", "avg": "average", "min": "lowest", "max": "highest"}
_TIMES = {"min": "first", "max": "last"}


@dataclass(frozen=True)
class Planned:
    """query: not cast yet. keys: columns that identify a row; none if nothing does. facts: tables, the first is
    what rows are of. terms: what each column is. asked: the SQL that answers the question."""

    query: Query
    keys: tuple[str, ...]
    facts: tuple[Input, ...]
    terms: Mapping[str, Term]
    asked: str


@dataclass(frozen=True)
class PlanBuilder:
    """Builds the query of one plan."""

    plan: Plan
    ground: Ground
    catalog: Catalog

    def build(self, types: Mapping[str, str] | None = None) -> Planned:
        """The query; types: of output columns that must be cast. Raises SmeltError for what it cannot say."""
        if self.plan.operator is not None:
            raise SmeltError(f"two questions with {self.plan.operator} have no model here", "ask each for itself")
        if not self.plan.select:
            raise SmeltError("the question names no column", "say what is wanted")
        steps: dict[str, Select] = {}
        source, aliases = self._rows(steps)
        final = self._final(source, aliases, types or {})
        query = Query({one.name: one.jinja for one in self._inputs}, {**steps, "final": final})
        terms = dict(zip(self.names, self.plan.select, strict=True))
        return Planned(query, self._keys, tuple(self._inputs), terms, self.asked)

    @cached_property
    def asked(self) -> str:
        """The SQL that answers the question."""
        return to_sql(self.plan, self.catalog)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the output columns are called."""
        names: list[str] = []
        for term in self.plan.select:
            wanted = self._name(term)
            table = term.table if isinstance(term, ColumnRef) else None
            longer = f"{singular(self.ground.inputs[table].name)}_{wanted}" if table else f"{wanted}_{len(names)}"
            names.append(wanted if wanted not in names else longer)
        return tuple(names)

    def _name(self, term: Term) -> str:
        if isinstance(term, ColumnRef):
            return term.name.lower()
        if term.column is None:
            table = term.table or next(iter(self._tables.values()))
            return f"{singular(self.ground.inputs[table].name)}_count"
        column = term.column.name.lower()
        if term.function == "count":
            return f"{singular(column.removesuffix('_id'))}_count"
        kind = self.catalog.column(term.column.table, term.column.name).kind
        words = _TIMES if kind == "time" and term.function in _TIMES else _WORDS
        return f"{words[term.function]}_{column}"

    @cached_property
    def _tree(self) -> exp.Select:
        tree = sqlglot.parse_one(self.asked, dialect="duckdb")
        assert isinstance(tree, exp.Select)
        return tree

    @cached_property
    def _tables(self) -> dict[str, str]:
        """By alias of the query, the relation."""
        return {table.alias_or_name: _relation(table) for table in _tables(self._tree)}

    @property
    def _inputs(self) -> Iterator[Input]:
        """All that is read, in subqueries too, each once."""
        found = dict.fromkeys(_relation(table) for table in self._tree.find_all(exp.Table))
        own = dict.fromkeys([self._first.relation, *self._tables.values()])
        yield from (self.ground.inputs[name] for name in {**own, **found})

    def _rows(self, steps: dict[str, Select]) -> tuple[str, Mapping[tuple[str, str], str]]:
        """The step with the rows, if it takes one, and how its columns are called behind it."""
        tree = self._tree
        joins, where = tree.args.get("joins") or [], tree.args.get("where")
        first = self._first
        is_grouped = any(isinstance(term, Measure) for term in self.plan.select) or bool(self.plan.group_by)
        if not is_grouped or not (joins or where):
            return first.name, {}
        clauses = [*tree.expressions, *(tree.args[k] for k in ("group", "having", "order") if tree.args.get(k))]
        used = dict.fromkeys(
            (c.table, c.name) for clause in clauses for c in clause.find_all(exp.Column) if _is_outer(c, tree)
        )
        behind: dict[tuple[str, str], str] = {}
        for table, name in used:
            taken = name in behind.values()
            behind[table, name] = f"{singular(self._alias(table))}_{name}" if taken else name
        columns = [Column(self._column(t, n), "" if out == n else out) for (t, n), out in behind.items()]
        name = f"selected_{first.name}" if where else f"joined_{first.name}"
        columns = columns or [Column(self._column("", self._any_column(first)))]
        steps[name] = Select(tuple(columns), first.name, joins=self._joins, where=self._where(where))
        return name, behind

    def _any_column(self, table: Input) -> str:
        return table.key or next(iter(table.types))

    def _final(self, source: str, behind: Mapping[tuple[str, str], str], types: Mapping[str, str]) -> Select:
        tree = self._tree
        is_direct = source in {one.name for one in self._inputs}
        columns = []
        for name, node in zip(self.names, tree.expressions, strict=True):
            sql = self._sql(node, behind)
            sql = f"cast({sql} as {types[name]})" if name in types else sql
            is_key = name in self._keys
            group = "keys" if is_key else "numerics" if node.find(exp.AggFunc) else "text"
            columns.append(Column(sql, "" if sql.rpartition(".")[2] == name else name, group))
        having, group = tree.args.get("having"), tree.args.get("group")
        return Select(
            tuple(columns),
            source,
            joins=self._joins if is_direct else (),
            where=self._where(tree.args.get("where")) if is_direct else (),
            group_by=tuple(self._sql(node, behind) for node in group.expressions) if group else (),
            having=tuple(self._sql(part, behind) for part in _conjuncts(having)),
            order_by=tuple(self._orders(behind)),
            limit=self.plan.limit,
            is_distinct=bool(tree.args.get("distinct")),
        )

    def _orders(self, behind: Mapping[tuple[str, str], str]) -> Iterator[str]:
        """Only with a limit: a table has no order. Equals are kept apart by what identifies a row."""
        order = self._tree.args.get("order")
        if self.plan.limit is None:
            return
        for ordered in order.expressions if order is not None else ():
            direction = "desc" if ordered.args.get("desc") else "asc"
            yield f"{self._sql(ordered.this, behind)} {direction} nulls last"
        yield from (f"{name} asc" for name in self._keys or self.names)

    @cached_property
    def _first(self) -> Input:
        """The table that the rows are of: the largest, since each joined row is one of it."""
        return max((self.ground.inputs[relation] for relation in self._tables.values()), key=lambda one: one.rows)

    @cached_property
    def _joins(self) -> tuple[Join, ...]:
        """The joins, each with a table that the ones before it have."""
        left = [part for join in self._tree.args.get("joins") or () for part in _conjuncts(join.args.get("on"))]
        reached, found = [self._first.name], []
        while left:
            for part in left:
                sides = [self._alias(column.table) for column in part.find_all(exp.Column)]
                new = [side for side in sides if side not in reached]
                if len(new) == 1:
                    found.append(Join("inner", new[0], (self._sql(part, {}),)))
                    reached += new
                    left.remove(part)
                    break
            else:
                raise SmeltError("the tables are joined in a circle", "ask for fewer of them")
        return tuple(found)

    def _where(self, where: exp.Expr | None) -> tuple[str, ...]:
        return tuple(self._sql(part, {}) for part in _conjuncts(where))

    def _sql(self, node: exp.Expr, behind: Mapping[tuple[str, str], str]) -> str:
        """Its text, with the names that tables and columns have in the model."""
        tree = exp.Paren(this=node.copy())
        for table in list(tree.find_all(exp.Table)):
            name = self.ground.inputs[_relation(table)].name
            table.replace(exp.to_table(name))
        for column in list(tree.find_all(exp.Column)):
            if (column.table, column.name) in behind and column.find_ancestor(exp.Subquery) is None:
                column.replace(exp.column(behind[column.table, column.name]))
            elif column.table:
                column.set("table", exp.to_identifier(self._alias(column.table)))
        return of_tree(tree.this)

    def _column(self, table: str, name: str) -> str:
        return f"{self._alias(table)}.{name}" if table else name

    def _alias(self, table: str) -> str:
        relation = self._tables.get(table) or next(
            (_relation(t) for t in self._tree.find_all(exp.Table) if t.alias_or_name == table), ""
        )
        relation = relation or next(iter(self._tables.values()))
        return self.ground.inputs[relation].name

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        named = list(zip(self.plan.select, self.names, strict=True))
        if self.plan.group_by:
            keys = [name for term, name in named if term in self.plan.group_by]
            return tuple(keys) if len(keys) == len(set(self.plan.group_by)) else ()
        if self.plan.distinct:
            return self.names
        if any(isinstance(term, Measure) for term in self.plan.select):
            return ()
        first = self._first
        key = (first.relation, first.key)
        return tuple(n for t, n in named if isinstance(t, ColumnRef) and (t.table, t.name) == key)


def _tables(tree: exp.Select) -> Iterator[exp.Table]:
    """Those of the query itself."""
    yield tree.args["from_"].this
    yield from (join.this for join in tree.args.get("joins") or ())


def _relation(table: exp.Expr) -> str:
    return ".".join(part.name for part in table.parts)  # type: ignore[attr-defined]


def _is_outer(column: exp.Column, tree: exp.Select) -> bool:
    return column.find_ancestor(exp.Select) is tree


def _conjuncts(clause: exp.Expr | None) -> list[exp.Expr]:
    """What must all hold."""
    if clause is None:
        return []
    condition = clause.this if isinstance(clause, (exp.Where, exp.Having)) else clause
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
