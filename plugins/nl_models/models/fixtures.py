"""Rows for a unit test: a few that count, and for each condition one that does not because of it alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta
from sqlglot import exp

from plugins.nl_models.models.expressions import parse
from plugins.nl_models.models.ground import Input
from plugins.nl_models.models.house import Query, Select
from plugins.nl_models.models.searching import Found, Value, search

_JINJA = re.compile(r"\{\{\s*dbt\.(?:date_trunc|dateadd)\([^{}]*'([^']*)'\)\s*\}\}")
_FIRST_DAY = date(2024, 1, 5)

Rows = dict[str, list[dict[str, Value]]]


@dataclass(frozen=True)
class Step:
    """A step that reads imports. tables: import by alias. joins: columns that are equal. conditions: what its rows
    are chosen by; cases: what chooses the rows of a single aggregate."""

    name: str
    tables: Mapping[str, str]
    joins: tuple[tuple[str, str], ...]
    conditions: tuple[str, ...]
    cases: tuple[str, ...]
    used: tuple[str, ...]


@dataclass
class Fixtures:
    """Makes the rows of a query's inputs. inputs: by the name of their import. values: real ones, by (import, column).

    groups: how many rows that count, each in a group of its own but for the first two; later: how far the last of
    them is moved in time. scale: what amounts are multiplied by.
    """

    inputs: Mapping[str, Input]
    values: Mapping[tuple[str, str], Sequence[str]]
    groups: int = 1
    later: relativedelta | None = None
    scale: int = 1
    missing: list[str] = field(default_factory=list)
    _rows: Rows = field(default_factory=dict)
    _excluded: int = 0

    def make(self, query: Query) -> Rows:
        """Rows by import. Conditions that nothing was found for are in `missing`."""
        self._rows = {name: [] for name in query.imports}
        for step in steps_of(query, self.inputs):
            self._add(step)
        return {name: self._merged(name) for name in self._rows}

    def _add(self, step: Step) -> None:
        passing, failing = self._assignments(step)
        amount = itertools.count()
        number = 0
        # Facts that are joined to the same rows share them where they count, and only there.
        for group in [0, 0, *range(1, self.groups)]:
            self._write(step, passing, number, next(amount), group=group)
            number += 1
        if self.later is not None:
            self._write(step, passing, number, next(amount), moved=self.later)
            number += 1
        for assignment in failing:
            self._write(step, {**passing, **assignment}, number + self._excluded, next(amount))
            self._excluded += 1

    def _assignments(self, step: Step) -> tuple[dict[str, Value], list[dict[str, Value]]]:
        """Values of columns that conditions are about: of rows that count, and of those that do not."""
        passing: dict[str, Value] = {}
        failing: list[dict[str, Value]] = []
        for conditions in _connected([*step.conditions, *step.cases]):
            names = sorted(
                {
                    _full(c, step, self.inputs)
                    for one in conditions
                    for c in parse(_plain(one)).find_all(exp.Column)
                }
            )
            types = {name: self._type(name, step) for name in names}
            known = {name: self._known(name, step) for name in names}
            good, bad = search([_qualified(_plain(c), step, self.inputs) for c in conditions], types, known)
            if good is None:
                self.missing += conditions
                continue
            passing |= good.values
            failing += self._bad(conditions, good, bad)
        return passing, failing

    def _bad(
        self, conditions: Sequence[str], good: Found, bad: Sequence[Found | None]
    ) -> Iterator[dict[str, Value]]:
        for condition, found in zip(conditions, bad, strict=True):
            if found is None:
                self.missing.append(condition)
            else:
                yield dict(found.values)

    def _write(
        self,
        step: Step,
        assigned: Mapping[str, Value],
        number: int,
        amount: int,
        group: int = 0,
        moved: relativedelta | None = None,
    ) -> None:
        ids = _joined_to(step.joins)
        rows: dict[str, dict[str, Value]] = {alias: {} for alias in step.tables}
        for name in step.used:
            alias, _, column = name.rpartition(".")
            value = assigned[name] if name in assigned else self._value(name, step, number, amount, group, ids)
            if moved is not None and isinstance(value, date):
                value = value + moved
            rows[alias][column] = value
        for alias, row in rows.items():
            self._rows[step.tables[alias]].append(row)

    def _value(self, name: str, step: Step, number: int, amount: int, group: int, ids: Mapping[str, str]) -> Value:
        """A value for a column that no condition is about."""
        kind = self._type(name, step).upper()
        if name in ids or self._is_key(name, step):
            return _identifier(kind, number)
        if kind.startswith(("VARCHAR", "ENUM")):
            known = self._known(name, step)
            return known[group % len(known)] if known else chr(ord("a") + group)
        if kind.startswith(("DATE", "TIMESTAMP")):
            day = _FIRST_DAY + timedelta(days=min(amount, 1) * 4)
            return day if kind == "DATE" else datetime(day.year, day.month, day.day, 10)
        if kind == "BOOLEAN":
            return True
        whole = 10 * 2**amount * self.scale
        return whole if kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) else 2**amount * self.scale

    def _merged(self, name: str) -> list[dict[str, Value]]:
        """The rows of an import in which each key stands once."""
        key = self.inputs[name].key
        found: list[dict[str, Value]] = []
        for row in self._rows[name]:
            same = next(
                (other for other in found if row == other or (key in row and row[key] == other.get(key))), None
            )
            if same is None and any(value is not None for value in row.values()):
                found.append(dict(row))
            elif same is not None:
                same |= {column: value for column, value in row.items() if column not in same}
        order = list(self.inputs[name].types)
        return [{column: row[column] for column in order if column in row} for row in found]

    def _is_key(self, name: str, step: Step) -> bool:
        return name.endswith("_id") or name.rpartition(".")[2] == "id"

    def _type(self, name: str, step: Step) -> str:
        alias, _, column = name.rpartition(".")
        return self.inputs[step.tables[alias]].types[column]

    def _known(self, name: str, step: Step) -> Sequence[str]:
        alias, _, column = name.rpartition(".")
        return self.values.get((step.tables[alias], column), ())


def steps_of(query: Query, inputs: Mapping[str, Input]) -> Iterator[Step]:
    """The steps that read imports, in order."""
    for name, select in query.steps.items():
        tables = {select.alias or select.source: select.source}
        tables |= {join.alias or join.table: join.table for join in select.joins}
        if not all(table in query.imports for table in tables.values()):
            continue
        bare = Step(name, tables, (), (), (), ())
        joins = [pair for join in select.joins for on in join.on if (pair := _equal(on, bare, inputs))]
        texts = [column.sql for column in select.columns] + [*select.where, *select.group_by]
        used = {_full(c, bare, inputs) for text in texts for c in parse(_plain(text)).find_all(exp.Column)}
        used |= {name for pair in joins for name in pair}
        source = select.alias or select.source
        used |= {f"{source}.{key}" for key in [inputs[select.source].key] if key}
        yield Step(
            name,
            tables,
            tuple(joins),
            select.where,
            tuple(_cases(select)),
            tuple(sorted(name for name in used if name)),
        )


def _cases(select: Select) -> Iterator[str]:
    """What a CASE in the select list asks first."""
    seen = set()
    for column in select.columns:
        for case in parse(_plain(column.sql)).find_all(exp.Case):
            condition = case.args["ifs"][0].this.sql("duckdb") if case.this is None else ""
            if condition and condition not in seen:
                seen.add(condition)
                yield condition


def _plain(sql: str) -> str:
    """Without Jinja: what a macro is called on, instead of the call."""
    return _JINJA.sub(r"\1", sql)


def _full(column: exp.Column, step: Step, inputs: Mapping[str, Input]) -> str:
    """`alias.column`; "" for what is no column of an import."""
    if column.table:
        return f"{column.table}.{column.name}" if column.table in step.tables else ""
    found = (alias for alias, table in step.tables.items() if column.name in inputs[table].types)
    alias = next(found, "")
    return f"{alias}.{column.name}" if alias else ""


def _qualified(condition: str, step: Step, inputs: Mapping[str, Input]) -> str:
    tree = parse(condition)
    for column in tree.find_all(exp.Column):
        if not column.table and (full := _full(column, step, inputs)):
            column.set("table", exp.to_identifier(full.rpartition(".")[0]))
    return tree.sql("duckdb")


def _equal(on: str, step: Step, inputs: Mapping[str, Input]) -> tuple[str, str] | None:
    tree = parse(_plain(on))
    if isinstance(tree, exp.EQ) and isinstance(tree.this, exp.Column) and isinstance(tree.expression, exp.Column):
        return _full(tree.this, step, inputs), _full(tree.expression, step, inputs)
    return None


def _connected(conditions: Sequence[str]) -> list[list[str]]:
    """Conditions in groups that share columns."""
    groups: list[tuple[set[str], list[str]]] = []
    for condition in dict.fromkeys(conditions):
        columns = {c.sql() for c in parse(_plain(condition)).find_all(exp.Column)}
        touched = [group for group in groups if group[0] & columns]
        merged = (columns.union(*(g[0] for g in touched)), [c for g in touched for c in g[1]] + [condition])
        groups = [group for group in groups if group not in touched] + [merged]
    return [found for _, found in groups]


def _joined_to(joins: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: other for pair in joins for name, other in (pair, pair[::-1])}


def _identifier(kind: str, number: int) -> Value:
    if kind.startswith(("VARCHAR", "ENUM")):
        return chr(ord("a") + number % 26) + ("" if number < 26 else str(number // 26))
    if kind.startswith(("DATE", "TIMESTAMP")):
        day = _FIRST_DAY + timedelta(days=number)
        return day if kind == "DATE" else datetime(day.year, day.month, day.day, 10)
    return number + 1
