"""A value is put into a model: selected where its rows are, grouped by where they are added up, and handed on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.core.errors import SmeltError
from plugins.nl_models.editing.layout import Item, Query, Select, Source, read_layout
from plugins.nl_models.editing.listing import Pen
from plugins.nl_models.editing.script import Script
from plugins.nl_models.editing.tracing import Input, Tracer
from plugins.nl_models.editing.wanted import Wanted
from plugins.nl_models.models.expressions import is_name, on_table


@dataclass
class Draft:
    """A model's text while it is changed. inputs: by the Jinja that reads them. edits: what is changed so far.

    joined: where selects begin that get a table more.
    """

    script: Script
    inputs: dict[str, Input]
    edits: list[Edit] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    joined: set[int] = field(default_factory=set)

    @cached_property
    def pen(self) -> Pen:
        """Writes into it."""
        return Pen(self.script)

    @cached_property
    def tracer(self) -> Tracer:
        """Its queries. Raises SmeltError if they are not written out."""
        masks = {
            mask: self.inputs[one.reads]
            for mask, one in self.script.by_mask.items()
            if one.reads is not None and one.reads in self.inputs
        }
        return Tracer(read_layout(self.script.masked), masks)


class Putter:
    """Puts one value into a draft."""

    def __init__(self, draft: Draft, wanted: Wanted) -> None:
        self.draft = draft
        self.wanted = wanted
        self.tracer = draft.tracer
        self._done: dict[int, str] = {}
        self.grouped: list[Select] = []

    def put(self) -> str:
        """Make the model give it; its column's name. Raises SmeltError where that would change other values."""
        return self._into(self.tracer.top(), self.wanted.name)

    def put_into(self, query: Query) -> str:
        """The same for one step of the model."""
        return self._into(query, self.wanted.name)

    def _into(self, query: Query, name: str) -> str:
        if query.start in self._done:
            return self._done[query.start]
        given = self._given(query)
        if given is not None:
            self._done[query.start] = given
            return given
        if name in self.tracer.outputs(query):
            raise SmeltError(
                f"{self.tracer.name(query)} has a column {name} already, which is something else",
                "rename one of the two first",
            )
        if any(not operator.startswith("union") for operator in query.operators):
            raise SmeltError(
                f"{self.tracer.name(query)} is made with {query.operators[0]}, which another column would change",
                "change it by hand",
            )
        self._done[query.start] = name
        for number, branch in enumerate(query.branches, start=1):
            self._branch(query, branch, name, number)
        return name

    def _given(self, query: Query) -> str | None:
        if not self.wanted.is_plain:
            return None
        return self.tracer.output_of(query, self.wanted.start.node, self.wanted.expr)

    def _branch(self, query: Query, select: Select, name: str, number: int) -> None:
        source = self.nearest_source(query, select, number)
        target = self.tracer.target(source)
        anchor = None
        if isinstance(target, Query) and not self.tracer.is_import(target):
            before = self._last_key(target)
            inner = self._into(target, name)
            sql = self.column(select, source, inner)
            anchor = self._handing_on(select, before)
            if self.tracer.has_aggregate(target) or self._is_regrouped(target):
                self._require_alone(query, select, source)
        else:
            sql = self._expression(select, source)
        if (
            any(item.is_star and self._covers(item, source) for item in select.items)
            and sql.rpartition(".")[2] == name
        ):
            return
        self._add(select, sql, name, anchor)

    def nearest_source(self, query: Query, select: Select, number: int = 1) -> Source:
        """The source of a select that the value comes from. Raises SmeltError if there is none, or several."""
        found = self.tracer.nearest(select, self.wanted.start.node, self.wanted.columns)
        if not found:
            self._require_in_all_branches(select)
            part = (
                f"branch {number} of {self.tracer.name(query)}"
                if len(query.branches) > 1
                else self.tracer.name(query)
            )
            raise SmeltError(
                f"{part} does not read {self.wanted.start.name}, which {self.wanted.name} is of",
                "join it there first",
            )
        if len(found) > 1 and found[0] is not select.sources[0]:
            said = " or ".join(source.name for source in found)
            raise SmeltError(f"{self.wanted.name} may be that of {said}", "say which one is meant")
        return found[0]

    def _require_in_all_branches(self, select: Select) -> None:
        for source in select.sources:
            target = self.tracer.target(source)
            for number, branch in enumerate(target.branches if isinstance(target, Query) else (), start=1):
                tables = [one for s in branch.sources for one in self.tracer.reads(self.tracer.target(s))]
                if isinstance(target, Query) and len(target.branches) > 1 and self.wanted.start not in tables:
                    raise SmeltError(
                        f"branch {number} of {source.name} reads {selected([one.name for one in tables])}, "
                        f"which has no {self.wanted.name}",
                        "say what it is there, and change the model by hand",
                    )

    def _is_regrouped(self, target: Query) -> bool:
        return any(branch.is_aggregated for branch in target.branches)

    def _require_alone(self, query: Query, select: Select, source: Source) -> None:
        """What is added up more finely must not meet rows that are not."""
        for other in select.sources:
            if other is source:
                continue
            if self.tracer.has_aggregate(self.tracer.target(other)):
                raise SmeltError(
                    f"{source.name} and {other.name} are joined in {self.tracer.name(query)}, each row of one to "
                    f"one of the other; split by {self.wanted.name}, {other.name} would count several times",
                    f"decide how {other.name} is split, and change the model by hand",
                )
            if other is select.sources[0] and not source.kind.startswith("inner"):
                raise SmeltError(
                    f"{self.tracer.name(query)} keeps every row of {other.name}, also those without any of "
                    f"{source.name}; split by {self.wanted.name}, these would have none",
                    f"decide which {self.wanted.name} they should have, and change the model by hand",
                )

    def _add(self, select: Select, sql: str, name: str, anchor: str | None) -> None:
        pen = self.draft.pen
        is_new = sql.rpartition(".")[2] == name
        alias = sql if is_new else f"{sql} {self.draft.pen.cased('as')} {name}"
        index = self._place(select, anchor)
        self.draft.edits += pen.insert_after(select.items, index, alias)
        if select.is_aggregated:
            self._group(select, sql, name, index)
        self._number_order(select, index)

    def _place(self, select: Select, anchor: str | None) -> int:
        keys = key_indexes(select)
        if keys:
            return keys[-1]
        if anchor is not None:
            names = [item.name for item in select.items]
            if anchor in names:
                return names.index(anchor)
        return self.draft.pen.place_by_type(select.items, self.wanted.data_type)

    def _group(self, select: Select, sql: str, name: str, index: int) -> None:
        self.grouped.append(select)
        groups = select.groups
        if "group" not in select.clauses:
            stop = select.clauses["where"][1] if "where" in select.clauses else select.from_end
            indent = self.draft.pen.indent(select.clauses["from"][0])
            text = f"\n{indent}{self.draft.pen.cased('group by')} {sql}"
            self.draft.edits.append(Edit(stop, stop, text))
            return
        if len(groups) == 1 and groups[0].sql.lower() == "all":
            return
        if any("(" in one.sql and one.sql.lower().startswith(("cube", "rollup", "grouping")) for one in groups):
            raise SmeltError("the model is grouped by several groupings at once", "change it by hand")
        if all(one.sql.isdigit() for one in groups):
            edits = [Edit(one.start, one.end, str(int(one.sql) + 1)) for one in groups if int(one.sql) > index + 1]
            self.draft.edits += edits
            self.draft.edits += self.draft.pen.insert_after(groups, len(groups) - 1, str(index + 2))
            return
        by_alias = any(
            one.sql.lower() == item.name != item.sql.lower()
            for one in groups
            for item in select.items
            if not item.is_star
        )
        text = name if by_alias else sql
        self.draft.edits += self.draft.pen.insert_after(groups, len(groups) - 1, text)

    def _number_order(self, select: Select, index: int) -> None:
        """`order by 3` goes on meaning what it meant."""
        if "order" not in select.clauses:
            return
        start, end = select.clauses["order"]
        for found in re.finditer(
            r"(?<=[ ,])\d+(?=\s*(?:,|$|asc|desc|nulls))", self.draft.script.masked[start:end], re.IGNORECASE
        ):
            if int(found.group()) > index + 1:
                at = start + found.start()
                self.draft.edits.append(Edit(at, at + len(found.group()), str(int(found.group()) + 1)))

    def _last_key(self, query: Query) -> str | None:
        """The column of a query that is the last of its grain."""
        select = query.branches[0]
        keys = key_indexes(select)
        return select.items[keys[-1]].name if keys else None

    def _handing_on(self, select: Select, column: str | None) -> str | None:
        """The column of a select that hands on another's column."""
        if column is None:
            return None
        for item in select.items:
            if not item.is_star and any(c.name.lower() == column for c in item.tree.find_all(exp.Column)):
                return item.name
        return None

    def _covers(self, item: Item, source: Source) -> bool:
        tree = item.tree
        return (
            isinstance(tree, exp.Star)
            or tree.args.get("table") is None
            or tree.args["table"].name.lower() == source.name.lower()
        )

    def _expression(self, select: Select, source: Source) -> str:
        if self.wanted.hops:
            from plugins.nl_models.editing.joining import join_hops

            sql = join_hops(self.draft, select, source, self.wanted)
            if select.is_aggregated and "where" not in select.clauses and self.draft.pen.is_spaced(select):
                # As behind every join of the file, an empty line before GROUP BY.
                self.draft.edits.append(Edit(select.from_end, select.from_end, "\n" * (len(select.sources) == 1)))
            return sql
        if is_name(self.wanted.expr):
            return self.column(select, source, self.wanted.expr)
        table = source.name if self.is_qualified(select) else None
        return on_table(self.wanted.expr, table)

    def column(self, select: Select, source: Source, name: str) -> str:
        """A column as this select writes columns."""
        return f"{source.name}.{name}" if self.is_qualified(select) else name

    def is_qualified(self, select: Select) -> bool:
        """Whether columns have their tables' names before them."""
        return is_qualified(select)


def is_qualified(select: Select) -> bool:
    """Whether columns of a select have their tables' names before them, or must have."""
    if len(select.sources) > 1:
        return True
    columns = [c for item in select.items if not item.is_star for c in item.tree.find_all(exp.Column)]
    return bool(columns) and all(column.table for column in columns)


def key_indexes(select: Select) -> list[int]:
    """The items that a select is grouped by."""
    found = []
    groups = {" ".join(one.sql.lower().split()) for one in select.groups}
    for index, item in enumerate(select.items):
        if item.is_star:
            continue
        tree = item.tree
        inner = tree.this if isinstance(tree, exp.Alias) else tree
        texts = {
            str(index + 1),
            item.name,
            inner.sql(dialect="duckdb").lower(),
            " ".join(item.sql.lower().split()),
        }
        is_all = groups == {"all"} and not item.is_aggregate
        written = " ".join(item.sql.lower().split())
        if texts & groups or is_all or any(written.startswith(f"{group} as ") for group in groups):
            found.append(index)
    return found


def grain_of(tracer: Tracer, query: Query | None = None) -> list[str]:
    """The columns of a model that identify its rows, as far as its groups say it; empty: it does not add up."""
    query = query or tracer.top()
    select = query.branches[0]
    if select.is_aggregated:
        return [select.items[index].name for index in key_indexes(select)]
    found: list[str] = []
    for source in select.sources[:1]:
        target = tracer.target(source)
        if not isinstance(target, Query):
            continue
        for key in grain_of(tracer, target):
            for name, item in tracer.columns(select):
                tree = item.tree
                inner = tree.this if isinstance(tree, exp.Alias) else tree
                if (item.is_star and name == key) or (isinstance(inner, exp.Column) and inner.name.lower() == key):
                    found.append(name)
                    break
                if not item.is_star and {c.name.lower() for c in inner.find_all(exp.Column)} == {key}:
                    found.append(name)
                    break
    return found


def selected(names: Sequence[str]) -> str:
    """Names as a sentence has them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
