"""The unit tests of an edited model: given rows get what it reads now, and expected rows what it makes of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from plugins.core.duck import quote
from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.editing.yaml_places import YamlText, child, items, pairs, plain, text_of
from plugins.core.editing.yaml_text import Flow, lines, scalar
from plugins.core.errors import SmeltError
from plugins.nl_models.editing.applying import Edited
from plugins.nl_models.editing.rendering import render
from plugins.nl_models.editing.script import Script
from plugins.nl_models.editing.tracing import Input
from plugins.nl_models.editing.wanted import Wanted
from plugins.nl_models.models.expressions import is_name
from plugins.nl_models.models.searching import sql_value

_READS = re.compile(r"(ref|source)\(\s*(['\"])([\w.]+)\2(?:\s*,\s*(['\"])([\w.]+)\4)?\s*\)")
Row = dict[str, Any]


@dataclass(frozen=True)
class UnitTests:
    """The unit tests of one model. made: what dbt made of its macros. samples: real values, by (node, column)."""

    model: str
    edited: Edited
    inputs: Mapping[str, Input]
    made: Mapping[str, str]
    samples: Mapping[tuple[str, str], Sequence[Any]]
    questions: list[str] = field(default_factory=list)

    def edit(self, text: str) -> str:
        """The YAML with tests that the edited model passes; what can't be said for sure is asked."""
        names = [
            text_of(child(t, "name"))
            for t in items(child(YamlText.read(text).root, "unit_tests"))
            if self._is_own(t)
        ]
        for name in names:
            try:
                text = self._given(text, name)
                text = self._expected(text, name)
            except (SmeltError, duckdb.Error) as error:
                why = error.message if isinstance(error, SmeltError) else str(error).splitlines()[0]
                self.questions.append(
                    f"The unit test {name} could not be run here ({why}): does it still say what is meant?"
                )
        return text

    def _is_own(self, test: Node) -> bool:
        return text_of(child(test, "model")) == self.model

    def _test(self, document: YamlText, name: str) -> MappingNode:
        found = document.named("unit_tests", name)
        assert found is not None
        return found

    def _given(self, text: str, name: str) -> str:
        """Rows of inputs with the columns that are read now, and inputs that are new."""
        for wanted in self.edited.used:
            document = YamlText.read(text)
            test = self._test(document, name)
            edits = list(self._own_rows(document, test, wanted))
            text = apply_edits(text, list(dict.fromkeys(edits)))
            if wanted.hops:
                document = YamlText.read(text)
                text = apply_edits(text, list(self._joined_rows(document, self._test(document, name), wanted)))
        return text

    def _own_rows(self, document: YamlText, test: MappingNode, wanted: Wanted) -> Iterator[Edit]:
        yield from self._kept_rows(document, test, wanted)
        for column in wanted.columns:
            value = scalar(self._sample(wanted, column))
            for rows in (child(g, "rows") for g in items(child(test, "given")) if _reads(g) == wanted.start.jinja):
                for row in items(rows):
                    if isinstance(row, MappingNode) and column not in {k.lower() for k in pairs(row)}:
                        yield document.add_key(row, column, value)

    def _kept_rows(self, document: YamlText, test: MappingNode, wanted: Wanted) -> Iterator[Edit]:
        """Where no row has the value that is kept, the first one's becomes it: else the test shows nothing."""
        asked = [r.restriction for r in self.edited.restrictions if r.restriction.operator == "in"]
        meant = next((one for one in asked if wanted.is_plain and one.label == wanted.expr), None)
        if meant is None:
            return
        given = [
            r
            for g in items(child(test, "given"))
            if _reads(g) == wanted.start.jinja
            for r in items(child(g, "rows"))
        ]
        found = [pairs(row)[wanted.expr][1] for row in given if wanted.expr in pairs(row)]
        values = [plain(node) for node in found]
        if not found or any(value in meant.values for value in values):
            return
        for node, value in zip(found, values, strict=True):
            if value == values[0]:
                yield Edit(node.start_mark.index, document.end(node), scalar(meant.values[0]))

    def _joined_rows(self, document: YamlText, test: MappingNode, wanted: Wanted) -> Iterator[Edit]:
        """Rows of the table that is joined, one for each key of the rows that join it."""
        hop = wanted.hops[0]
        table = next(
            (i for i in self.inputs.values() if i.semantic is not None and i.semantic.name == hop.to), None
        )
        given = child(test, "given")
        if (
            table is None
            or len(wanted.hops) > 1
            or not isinstance(given, SequenceNode)
            or not is_name(wanted.expr)
        ):
            return
        if any(_reads(one) == table.jinja for one in items(given)):
            return
        left = [plain(r) for g in items(given) if _reads(g) == wanted.start.jinja for r in items(child(g, "rows"))]
        keys = dict.fromkeys(row.get(hop.left) for row in left if row.get(hop.left) is not None)
        value = self._value_of(table.node, wanted.expr, table.types.get(wanted.expr, "VARCHAR"), wanted.expr)
        rows = [Flow({hop.right: key, wanted.expr: value}) for key in keys]
        yield from document.append(given, [{"input": table.jinja, "rows": rows}])

    def _sample(self, wanted: Wanted, column: str) -> Any:
        kind = next((k for n, k in wanted.start.types.items() if n.lower() == column), "VARCHAR")
        return self._value_of(wanted.start.node, column, kind, wanted.expr if wanted.is_plain else column)

    def _value_of(self, node: str, column: str, kind: str, expr: str) -> Any:
        """A value that the restrictions keep, else a real one."""
        for restrict in self.edited.restrictions:
            one = restrict.restriction
            if one.label in (column, expr) and one.operator == "in" and one.values:
                return one.values[0]
            if one.label in (column, expr) and one.values == (True,):
                return one.operator == "in"
        excluded = [
            v for r in self.edited.restrictions if r.restriction.operator == "not in" for v in r.restriction.values
        ]
        known = [value for value in self.samples.get((node, column), ()) if value not in excluded]
        if known:
            return known[0]
        upper = kind.upper()
        if upper == "BOOLEAN":
            return True not in excluded
        return "a" if upper.startswith("VARCHAR") else "2024-01-05" if upper.startswith(("DATE", "TIME")) else 1

    def _expected(self, text: str, name: str) -> str:
        document = YamlText.read(text)
        test = self._test(document, name)
        if "overrides" in pairs(test):
            raise SmeltError("it overrides macros", "run it with dbt")
        rows = child(child(test, "expect"), "rows")
        if not isinstance(rows, SequenceNode):
            raise SmeltError("its rows are not listed in the YAML", "run it with dbt")
        expected = [{k.lower(): v for k, v in plain(row).items()} for row in rows.value]
        actual = self._run(test)
        columns = list(dict.fromkeys(key for row in expected for key in row))
        if not expected or not set(columns) <= set(actual[0] if actual else columns):
            raise SmeltError("it expects columns that the model does not have", "run it with dbt")
        new = [key for key in self.edited.added if actual and key in actual[0] and key not in columns]
        if _bag(actual, columns) == _bag(expected, columns):
            return apply_edits(text, list(self._more_columns(document, rows, expected, actual, columns, new)))
        if not self.edited.changes_rows:
            raise SmeltError("other rows come out than it expects", "see whether it passed before")
        self.questions.append(
            f"What the unit test {name} expects was computed by running the edited model: is it meant so?"
            if actual
            else f"No row of the unit test {name} is left: should it get rows that stay?"
        )
        return apply_edits(
            text, [_replaced(document, rows, [{c: row[c] for c in [*columns, *new]} for row in actual])]
        )

    def _more_columns(
        self,
        document: YamlText,
        rows: SequenceNode,
        expected: Sequence[Row],
        actual: Sequence[Row],
        columns: Sequence[str],
        new: Sequence[str],
    ) -> Iterator[Edit]:
        left = list(actual)
        for node, row in zip(rows.value, expected, strict=True):
            found = next(one for one in left if _bag([one], columns) == _bag([row], columns))
            left.remove(found)
            for column in new:
                if found[column] is not None:
                    yield document.add_key(node, column, scalar(_short(found[column])))

    def _run(self, test: MappingNode) -> list[Row]:
        """What the edited model makes of a test's rows."""
        given = {_reads(one): [plain(r) for r in items(child(one, "rows"))] for one in items(child(test, "given"))}
        read = {one.reads for one in Script(self.edited.text).printed if one.reads is not None}
        if missing := sorted(jinja for jinja in read if jinja not in given):
            raise SmeltError(f"it gives no rows of {missing[0]}", "add some")
        names = {jinja: f"given_{number}" for number, jinja in enumerate(given) if jinja}
        sql = render(self.edited.text, self.inputs, self.made, names)
        with duckdb.connect() as con:
            con.execute("set enable_external_access = false")
            for jinja, name in names.items():
                for statement in _table(name, self.inputs[jinja], given[jinja]):
                    con.execute(statement)
            cursor = con.execute(f"select * from ({sql}) as model order by all")
            columns = [column[0].lower() for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _reads(given: Node) -> str:
    found = _READS.search(text_of(child(given, "input")))
    if found is None:
        return ""
    return f"{found[1]}({', '.join(repr(name) for name in (found[3], found[5]) if name)})"


def _table(name: str, given: Input, rows: Sequence[Row]) -> Iterator[str]:
    if not given.types:
        raise SmeltError(f"the types of {given.name} are not known", "build it first")
    columns = ", ".join(f"{quote(column)} {kind or 'VARCHAR'}" for column, kind in given.types.items())
    yield f"create table {name} ({columns})"
    for row in rows:
        values = ", ".join(
            sql_value(value) if not isinstance(value, (list, dict)) else "null" for value in row.values()
        )
        yield f"insert into {name} ({', '.join(map(quote, row))}) values ({values})"


def _bag(rows: Sequence[Row], columns: Sequence[str]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(_plain(row.get(column)) for column in columns) for row in rows)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    try:
        return round(float(value), 6)
    except (TypeError, ValueError):
        return str(value)


def _short(value: Any) -> Any:
    """Whole numbers without decimals."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def _replaced(document: YamlText, rows: SequenceNode, new: Sequence[Row]) -> Edit:
    indent = rows.start_mark.column
    body = "\n".join(lines([Flow({k: _short(v) for k, v in row.items()}) for row in new], indent))
    start, end = rows.start_mark.index, document.end(rows)
    if not new:
        return Edit(len(document.text[:start].rstrip()), end, " []")
    return Edit(start, end, body.lstrip())
