"""Rows are left out where they are read: a condition is added, or the one that is there is changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.core.errors import SmeltError
from plugins.nl_models.editing.layout import Item, Query, Select
from plugins.nl_models.editing.putting import Draft, Putter, is_qualified
from plugins.nl_models.editing.tracing import Input, selects_of
from plugins.nl_models.editing.wanted import Wanted, choose, find_wanted
from plugins.nl_models.models.cases import conditions_of
from plugins.nl_models.models.expressions import is_name, literal, on_table
from plugins.nl_models.models.style import SqlStyle
from plugins.nl_models.semantic.layer import SemanticLayer

Value = str | bool | int | float


@dataclass(frozen=True)
class Restriction:
    """operator: `in`, `not in`, `is null`, `is not null`, `>=`, `<`. label: of what; "": the time of the rows."""

    label: str
    operator: str
    values: tuple[Value, ...] = ()


class Restricter:
    """Adds one restriction to a draft."""

    def __init__(self, draft: Draft, restriction: Restriction, layer: SemanticLayer | None) -> None:
        self.draft = draft
        self.restriction = restriction
        self.layer = layer
        self.tracer = draft.tracer
        self._done: set[int] = set()
        self.used: list[Wanted] = []

    def restrict(self) -> None:
        """Leave the rows out. Raises SmeltError if some rows do not have what they are chosen by."""
        if self.restriction.label and self._change_existing():
            return
        self._query(self.tracer.top())

    def _query(self, query: Query) -> None:
        if query.start in self._done:
            return
        self._done.add(query.start)
        for branch in query.branches:
            self._select(query, branch)

    def _select(self, query: Query, select: Select) -> None:
        own = self._own_column(select)
        if own is not None:
            self._add(select, own, None)
            origin = self.tracer.origin_in(select, Item(0, 0, own).tree)
            table = next(
                (one for one in self.draft.inputs.values() if origin is not None and one.node == origin[0]), None
            )
            if origin is not None and table is not None:
                self.used.append(Wanted(table, origin[1], origin[1], (origin[1],), (), table.name))
            return
        deep = [s for s in select.sources if self.tracer.has_aggregate(self.tracer.target(s))]
        if deep:
            for source in deep:
                target = self.tracer.target(source)
                assert isinstance(target, Query)
                self._query(target)
            return
        if (handed := self._handed_on(select)) is not None:
            self._add(select, *handed)
            return
        wanted = self._wanted(query, select)
        source = Putter(self.draft, wanted).nearest_source(query, select)
        target = self.tracer.target(source)
        if isinstance(target, Query) and not self.tracer.is_import(target) and self._belongs_below(target, wanted):
            self._query(target)
            return
        inner = wanted
        if isinstance(target, Query) and not self.tracer.is_import(target):
            for column in wanted.columns:
                Putter(self.draft, Wanted(wanted.start, column, column, (column,))).put_into(target)
        if wanted.hops:
            from plugins.nl_models.editing.joining import join_hops

            is_positive = self.restriction.operator in ("in", "is not null", ">=", "<")
            kind = "inner join" if is_positive else "left join"
            sql = join_hops(self.draft, select, source, wanted, kind)
            table = sql.rpartition(".")[0] if is_name(wanted.expr) else None
        else:
            table = source.name if is_qualified(select) else None
            sql = on_table(wanted.expr, table)
        self._add(select, sql, inner, table)

    def _own_column(self, select: Select) -> str | None:
        """The expression of a column of the model that is called so and of which the model is not made up."""
        label = self.restriction.label
        if not label or select.is_aggregated:
            return None
        if any(self.tracer.has_aggregate(self.tracer.target(s)) for s in select.sources[:1]):
            return None
        item = next((i for i in select.items if not i.is_star and i.name == label), None)
        if item is None or len(select.sources) < 2:
            return None
        tree = item.tree
        inner = tree.this if isinstance(tree, exp.Alias) else tree
        return item.sql[: len(item.sql)] if isinstance(inner, exp.Column) and inner is tree else None

    def _handed_on(self, select: Select) -> tuple[str, Wanted | None] | None:
        """A column that a step before hands on, such as one of a union: its expression, and what it is."""
        for source in select.sources:
            target = self.tracer.target(source)
            name = self.restriction.label
            is_step = isinstance(target, Query) and not self.tracer.is_import(target) and len(target.branches) > 1
            if is_step and name in self.tracer.outputs(target):
                origin = self.tracer.origin(target, name)
                table = next((i for i in self.draft.inputs.values() if origin and i.node == origin[0]), None)
                wanted = Wanted(table, name, name, (origin[1],)) if table is not None and origin else None
                return (f"{source.name}.{name}" if is_qualified(select) else name), wanted
        return None

    def _belongs_below(self, target: Query, wanted: Wanted) -> bool:
        """Whether rows are chosen there already, or what they are chosen by is not handed on."""
        has_where = any("where" in branch.clauses for branch in target.branches)
        given = all(self.tracer.output_of(target, wanted.start.node, column) for column in wanted.columns)
        return has_where or not given or bool(wanted.hops)

    def _wanted(self, query: Query, select: Select) -> Wanted:
        inputs = [one for s in select.sources for one in self.tracer.reads(self.tracer.target(s))]
        label = self.restriction.label
        if not label:
            return self._time(query, select, inputs)
        found = find_wanted(label, inputs, self.layer)
        if not found:
            words = label.removeprefix("is_").replace("_", " ")
            raise SmeltError(
                f"{self.tracer.name(query)} reads {said(inputs)}, which has no {words}: its rows would all stay",
                "say of which rows it is meant, or join a table that has it",
            )
        return choose(label, found)

    def _time(self, query: Query, select: Select, inputs: Sequence[Input]) -> Wanted:
        """The day of the rows: what they are grouped by if that is one, else the date of their table."""
        for one in inputs:
            dates = [n.lower() for n, kind in one.types.items() if kind.upper().startswith(("DATE", "TIMESTAMP"))]
            text = " ".join(item.sql for item in (*select.items, *select.groups)) + self._jinja(select)
            grouped = [name for name in dates if name in text] if select.is_aggregated else []
            semantic = one.semantic
            expr = next((d[2] for d in semantic.dimensions if d[0] == semantic.time), "") if semantic else ""
            chosen = (
                expr.lower() if expr.lower() in grouped or not grouped else grouped[0] if len(grouped) == 1 else ""
            )
            chosen = chosen or (dates[0] if len(dates) == 1 else "")
            if chosen and is_name(chosen):
                kind = next((k for n, k in one.types.items() if n.lower() == chosen), "DATE")
                return Wanted(one, chosen, chosen, (chosen,), (), one.name, "", kind)
        raise SmeltError(
            f"which date of {said(inputs)} is meant is not clear in {self.tracer.name(query)}", "name the column"
        )

    def _jinja(self, select: Select) -> str:
        parts = [one.code for one in self.draft.script.printed if select.start <= one.start < select.end]
        return " ".join(parts)

    def _add(self, select: Select, sql: str, wanted: Wanted | None, table: str | None = None) -> None:
        if wanted is not None:
            self.used.append(wanted)
        for condition in conditions(self.restriction, sql, wanted, table):
            styled = SqlStyle(is_upper=self.draft.pen.is_upper).apply(condition)
            self.draft.edits += self.draft.pen.add_condition(
                select, styled, is_joined=select.start in self.draft.joined
            )

    def _change_existing(self) -> bool:
        """The values of an equality that is there are replaced."""
        if self.restriction.operator != "in":
            return False
        changed = False
        for select in selects_of(self.tracer.query):
            if "where" not in select.clauses:
                continue
            start, end = select.clauses["where"]
            masked = self.draft.script.masked[start + 5 : end]
            for found in Item(0, 0, masked).tree.find_all(exp.EQ, exp.In):
                edit = self._replaced(found, masked, start + 5)
                if edit is not None and not found.find_ancestor(exp.Not, exp.Or, exp.Case):
                    self.draft.edits.append(edit)
                    changed = True
        return changed

    def _replaced(self, found: exp.Expr, masked: str, at: int) -> Edit | None:
        column = found.this
        if not isinstance(column, exp.Column) or column.name.lower() != self.restriction.label:
            return None
        values = found.expressions if isinstance(found, exp.In) else [found.expression]
        if not values or not all(isinstance(v, exp.Literal) for v in values):
            return None
        # `select ` stands before it when it is read.
        begun = column.this.meta["start"] - len("select ")
        shape = r"\w+\s*(=\s*('(?:[^']|'')*'|[\d.]+)|in\s*\([^)]*\))"
        text = re.compile(shape, re.IGNORECASE).match(masked, begun)
        if text is None:
            return None
        listed = ", ".join(literal(value) for value in self.restriction.values)
        new = f"= {listed}" if len(self.restriction.values) == 1 else f"{self.draft.pen.cased('in')} ({listed})"
        return Edit(at + text.start(1), at + text.end(1), new)


def conditions(restriction: Restriction, sql: str, wanted: Wanted | None, table: str | None) -> list[str]:
    """The conditions of a restriction on an expression."""
    operator, values = restriction.operator, restriction.values
    may_be_null = wanted is None or bool(wanted.hops) or wanted.expr not in wanted.start.required
    listed = ", ".join(map(literal, values))
    if operator in ("is null", "is not null"):
        return [f"{sql} {operator}"]
    if operator in (">=", "<"):
        kind = "timestamp" if wanted is not None and wanted.data_type.upper().startswith("TIMESTAMP") else "date"
        return [f"{sql} {operator} cast({listed} as {kind})"]
    if len(values) == 1 and isinstance(values[0], bool):
        is_meant = values[0] == (operator == "in")
        return [sql if is_meant else f"not {sql}" if not may_be_null else f"not coalesce({sql}, false)"]
    case = _simplified(operator, values, wanted, table)
    if case:
        return case
    if operator == "in":
        return [f"{sql} = {listed}" if len(values) == 1 else f"{sql} in ({listed})"]
    if len(values) == 1:
        return [f"{sql} is distinct from {listed}" if may_be_null else f"{sql} <> {listed}"]
    return [f"({sql} is null or {sql} not in ({listed}))" if may_be_null else f"{sql} not in ({listed})"]


def _simplified(operator: str, values: tuple[Value, ...], wanted: Wanted | None, table: str | None) -> list[str]:
    """A kind that a CASE names, as the condition that it stands for."""
    if wanted is None or is_name(wanted.expr) or len(values) != 1:
        return []
    found = conditions_of(wanted.expr, values[0])
    if found is None:
        return []
    if operator == "in":
        return [on_table(one, table) for one in found]
    if len(found) == 1 and found[0].endswith(" is null"):
        return [on_table(found[0].removesuffix(" is null") + " is not null", table)]
    return []


def said(inputs: Sequence[Input]) -> str:
    """Names of tables in a sentence."""
    names = [one.name for one in inputs]
    return " and ".join(names) if names else "nothing that is known"
