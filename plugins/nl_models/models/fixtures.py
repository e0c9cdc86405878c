"""Rows for a unit test: a few that count, and for each condition one that does not because of it alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta
from sqlglot import exp

from plugins.nl_models.models.expressions import parse
from plugins.nl_models.models.ground import Input
from plugins.nl_models.models.house import Join, Query, Select
from plugins.nl_models.models.searching import Found, Value, search

_JINJA = re.compile(r"\{\{\s*dbt\.(?:date_trunc|dateadd)\([^{}]*'([^']*)'\)\s*\}\}")
_FIRST_DAY = date(2024, 1, 5)

Rows = dict[str, list[dict[str, Value]]]


@dataclass(frozen=True)
class Step:
    """A step that reads imports. tables: import by alias. joins: (column, column of the joined table).

    conditions: what its rows are chosen by; cases: what chooses the rows of a single aggregate.
    """

    name: str
    tables: Mapping[str, str]
    joins: tuple[tuple[str, str], ...]
    conditions: tuple[str, ...]
    cases: tuple[str, ...]
    used: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    """assigned: values that conditions want. number: of the row; group: of what it is joined to and grouped by.

    amount: how many rows stand before it; value: instead of what follows from that. fresh: tables that have a
    row of their own for it.
    """

    assigned: Mapping[str, Value]
    number: int
    amount: int
    group: int = 0
    moved: relativedelta | None = None
    value: int | None = None
    fresh: frozenset[str] = frozenset()


@dataclass
class Fixtures:
    """Makes the rows of a query's inputs. inputs: by their import's name. values: real ones, by (import, column).

    keys: columns that rows are grouped by. groups: how many there are; the first has two rows. within: keys that
    are the same in all of them. missing: a key that the largest group lacks. later: how far one more row is moved
    in time. outlier: the amount of one more group. scale: what other amounts are multiplied by.
    is_apart: whether rows that do not count are joined to rows of their own, also where those are the same.
    """

    inputs: Mapping[str, Input]
    values: Mapping[tuple[str, str], Sequence[str]]
    keys: frozenset[str] = frozenset()
    groups: int = 1
    within: frozenset[str] = frozenset()
    missing: str = ""
    later: relativedelta | None = None
    outlier: int | None = None
    scale: int = 1
    is_apart: bool = False
    untried: list[str] = field(default_factory=list)
    _rows: Rows = field(default_factory=dict)
    _excluded: int = 0
    _unit: int = 1

    def make(self, query: Query) -> Rows:
        """Rows by import. Conditions of a CASE that no row was found for are in `untried`."""
        self._rows = {name: [] for name in query.imports}
        for number, step in enumerate(steps_of(query, self.inputs)):
            # Amounts of another fact are others, so that no difference is nothing and no share the whole.
            self._unit = 2 * number + 1
            self._add(step)
        return {name: self._merged(name) for name in self._rows}

    def _add(self, step: Step) -> None:
        passing, others, failing = self._assignments(step)
        amounts = itertools.count()
        number = 0
        # Rows that count may share what they are joined to; one that does not has its own where it differs.
        for group in [0, 0, *range(1, self.groups)]:
            self._write(step, _Row(passing, number, next(amounts), group))
            number += 1
        if self.later is not None:
            self._write(step, _Row(passing, number, next(amounts), moved=self.later))
            number += 1
        if self.outlier is not None:
            self._write(step, _Row(passing, number, next(amounts), self.groups, value=self.outlier))
            number += 1
        for nobody in [name for name in step.used if name.rpartition(".")[2] == self.missing][:1]:
            self._write(step, _Row({**passing, nobody: None}, number, next(amounts), self.groups))
            number += 1
        for assignment in [*others, *failing]:
            row = {**passing, **assignment}
            own = {name.rpartition(".")[0] for name, value in assignment.items() if passing.get(name, "") != value}
            fresh = frozenset(step.tables) if self.is_apart else _and_before(own, step)
            self._write(step, _Row(row, number + self._excluded, next(amounts), fresh=fresh))
            self._excluded += 1

    def _assignments(self, step: Step) -> tuple[dict[str, Value], list[dict[str, Value]], list[dict[str, Value]]]:
        """Values of columns that conditions are about: of rows that count, of others that do, of those that
        do not."""
        passing: dict[str, Value] = {}
        others: list[dict[str, Value]] = []
        failing: list[dict[str, Value]] = []
        # What asks other rows is nothing that one row can be tried on.
        for conditions in _connected([c for c in step.conditions if parse(_plain(c)).find(exp.Select) is None]):
            good, bad = self._search(conditions, step)
            if good is None:
                continue
            failing += [dict(found.values) for found in bad if found is not None]
            # What only must be known may be another value in each group.
            passing |= {} if conditions[0].endswith(" is not null") and len(conditions) == 1 else good.values
        for case in step.cases:
            near = [c for c in step.conditions if _columns(c) & _columns(case)]
            good, bad = self._search([case, *near], step)
            if good is None:
                self.untried.append(case)
            elif any(passing.get(name, value) != value for name, value in good.values.items()):
                others.append(dict(good.values))
            else:
                passing |= good.values
            failing += [dict(found.values) for found in bad[:1] if found is not None]
        return passing, others, failing

    def _search(self, conditions: Sequence[str], step: Step) -> tuple[Found | None, list[Found | None]]:
        columns = [c for one in conditions for c in parse(_plain(one)).find_all(exp.Column)]
        names = sorted({_full(column, step, self.inputs) for column in columns})
        types = {name: self._type(name, step) for name in names}
        known = {name: self._known(name, step) for name in names}
        return search([_qualified(_plain(c), step, self.inputs) for c in conditions], types, known)

    def _write(self, step: Step, row: _Row) -> None:
        rows: dict[str, dict[str, Value]] = {alias: {} for alias in step.tables}
        for name in step.used:
            alias, _, column = name.rpartition(".")
            value = self._value(name, step, row)
            if row.moved is not None and isinstance(value, date):
                value = value + row.moved
            rows[alias][column] = value
        for alias, values in rows.items():
            self._rows[step.tables[alias]].append(values)

    def _value(self, name: str, step: Step, row: _Row) -> Value:
        """What conditions want of a column; else what joins, groups and reads well."""
        kind = self._type(name, step).upper()
        pair = next((pair for pair in step.joins if name in pair), None)
        group = 0 if self._is_within(name, step) else row.group
        if name in row.assigned and (pair is None or row.assigned[name] is None):
            return row.assigned[name]
        if pair is not None:
            if pair[1].rpartition(".")[0] in row.fresh:
                return _identifier(kind, row.number)
            # Both sides have the value that a condition wants of one of them.
            wanted = [value for side in pair if (value := row.assigned.get(side)) is not None]
            return wanted[0] if wanted else _identifier(kind, group)
        column = name.rpartition(".")[2]
        if column.endswith("_id") or column in ("id", self._key(name, step)):
            is_group = column in self.keys and column != self._key(name, step)
            return _identifier(kind, group if is_group else row.number)
        if kind.startswith(("VARCHAR", "ENUM")):
            known = self._known(name, step)
            return known[group % len(known)] if known else chr(ord("a") + group)
        if kind.startswith(("DATE", "TIMESTAMP")):
            day = _FIRST_DAY + timedelta(days=min(row.amount, 1) * 4)
            return day if kind == "DATE" else datetime(day.year, day.month, day.day, 10)
        if kind == "BOOLEAN":
            return True
        if row.value is not None:
            return row.value
        unit = 10 if kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) else 1
        return unit * 2**row.amount * self._unit * self.scale

    def _is_within(self, name: str, step: Step) -> bool:
        """Whether a column is the same in all groups: one of those keys, or of a thing that such a key tells."""
        same: set[str] = set()
        for left, right in step.joins:
            sides = {side.rpartition(".")[2] for side in (left, right)}
            if sides & self.within or left.rpartition(".")[0] in same:
                same.add(right.rpartition(".")[0])
            if name in (left, right) and sides & self.within:
                return True
        alias, _, column = name.rpartition(".")
        return column in self.within or alias in same

    def _key(self, name: str, step: Step) -> str:
        return self.inputs[step.tables[name.rpartition(".")[0]]].key

    def _merged(self, name: str) -> list[dict[str, Value]]:
        """The rows of an import in which each key stands once."""
        key = self.inputs[name].key
        found: list[dict[str, Value]] = []
        for row in self._rows[name]:
            same = next((o for o in found if row == o or (key in row and row[key] == o.get(key))), None)
            if same is None and any(value is not None for value in row.values()):
                found.append(dict(row))
            elif same is not None:
                same |= {column: value for column, value in row.items() if column not in same}
        order = list(self.inputs[name].types)
        return [{column: row[column] for column in order if column in row} for row in found]

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
        joins = [pair for j in select.joins for on in j.on if (pair := _equal(j, on, bare, inputs))]
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


def _equal(join: Join, on: str, step: Step, inputs: Mapping[str, Input]) -> tuple[str, str] | None:
    """The column that is joined to, and the one of the joined table; None for any other condition."""
    tree = parse(_plain(on))
    sides = [tree.args.get("this"), tree.args.get("expression")]
    columns = [side for side in sides if isinstance(side, exp.Column)]
    if not isinstance(tree, exp.EQ) or len(columns) != 2:
        return None
    left, right = (_full(column, step, inputs) for column in columns)
    return (left, right) if right.rpartition(".")[0] == (join.alias or join.table) else (right, left)


def _connected(conditions: Sequence[str]) -> list[list[str]]:
    """Conditions in groups that share columns."""
    groups: list[tuple[set[str], list[str]]] = []
    for condition in dict.fromkeys(conditions):
        columns = _columns(condition)
        touched = [group for group in groups if group[0] & columns]
        merged = (columns.union(*(g[0] for g in touched)), [c for g in touched for c in g[1]] + [condition])
        groups = [group for group in groups if group not in touched] + [merged]
    return [found for _, found in groups]


def _columns(condition: str) -> set[str]:
    return {column.sql() for column in parse(_plain(condition)).find_all(exp.Column)}


def _and_before(aliases: set[str], step: Step) -> frozenset[str]:
    """Tables, and those that they are joined to: another customer's order is another order."""
    found = set(aliases)
    for other, own in reversed(step.joins):
        if own.rpartition(".")[0] in found:
            found.add(other.rpartition(".")[0])
    return frozenset(found)


def _identifier(kind: str, number: int) -> Value:
    if kind.startswith(("VARCHAR", "ENUM")):
        return chr(ord("a") + number % 26) + ("" if number < 26 else str(number // 26))
    if kind.startswith(("DATE", "TIMESTAMP")):
        day = _FIRST_DAY + timedelta(days=number)
        return day if kind == "DATE" else datetime(day.year, day.month, day.day, 10)
    return number + 1
