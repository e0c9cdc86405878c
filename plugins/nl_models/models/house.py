"""A query as people here write it: imports, one step per CTE, keys before numbers, `select * from final`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from plugins.nl_models.models.expressions import of_tree, parse
from plugins.nl_models.models.style import SqlStyle

Group = Literal["keys", "text", "numerics", "booleans", "timestamps"]
_GROUPS: tuple[Group, ...] = ("keys", "text", "numerics", "booleans", "timestamps")
# Longer expressions are broken up.
_WIDEST = 100
_SIGNS = (" + ", " - ", " * ", " / ")


@dataclass(frozen=True)
class Column:
    """A column of a select list. sql: may hold Jinja. name: its alias; "" for a column that keeps its name."""

    sql: str
    name: str = ""
    group: Group = "numerics"

    @property
    def output(self) -> str:
        """What the column is called behind the select."""
        return self.name or self.sql.rpartition(".")[2]


@dataclass(frozen=True)
class Join:
    """kind: `inner`, `left`, `full` or `cross`. on: conditions that all hold."""

    kind: str
    table: str
    on: tuple[str, ...] = ()
    alias: str = ""


@dataclass(frozen=True)
class Select:
    """One step. only_new: a condition that holds for a run that adds to what is there."""

    columns: tuple[Column, ...]
    source: str
    alias: str = ""
    joins: tuple[Join, ...] = ()
    where: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    having: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    is_distinct: bool = False
    only_new: str = ""
    comments: tuple[str, ...] = ()

    @property
    def in_order(self) -> list[Column]:
        """The columns as a model has them: keys first."""
        return [column for group in _GROUPS for column in self.columns if column.group == group]


@dataclass(frozen=True)
class Query:
    """imports: Jinja of what is read, by the name it has here. steps: by name; the last is `final`."""

    imports: dict[str, str]
    steps: dict[str, Select] = field(default_factory=dict)

    @property
    def final(self) -> Select:
        """The last step."""
        return self.steps["final"]


def to_text(query: Query, style: SqlStyle) -> str:
    """The query as the text of a model, with a line break at its end."""
    blocks = [(name, [f"select * from {{{{ {jinja} }}}}"]) for name, jinja in query.imports.items()]
    blocks += [(name, list(_select(step, style, name == "final"))) for name, step in query.steps.items()]
    parts = []
    for name, lines in blocks:
        body = "\n".join(f"    {line}" if line else "" for line in lines)
        parts.append(f"{name} as (\n\n{body}\n\n)")
    text = "with\n\n" + ",\n\n".join(parts) + "\n\nselect * from final\n"
    return style.apply(text)


def _select(step: Select, style: SqlStyle, is_final: bool) -> Iterator[str]:
    for comment in step.comments:
        yield from (f"-- {line}" for line in textwrap.wrap(comment, _WIDEST))
    yield "select distinct" if step.is_distinct else "select"
    yield from _columns(step, style.has_groups and is_final)
    if len(step.columns) > 1:
        yield ""
    yield f"from {step.source}" + (f" as {step.alias}" if step.alias else "")
    for join in step.joins:
        yield f"{join.kind} join {join.table}" + (f" as {join.alias}" if join.alias else "")
        yield from (f"    {line}" for line in _all_of("on", join.on))
    if step.joins and (step.where or step.group_by):
        yield ""
    yield from _all_of("where", step.where)
    if step.only_new:
        yield "{% if is_incremental() %}"
        yield f"{'    and' if step.where else 'where'} {step.only_new}"
        yield "{% endif %}"
    if step.group_by:
        yield f"group by {', '.join(step.group_by)}"
    yield from _all_of("having", step.having)
    if step.order_by:
        yield f"order by {', '.join(step.order_by)}"
    if step.limit is not None:
        yield f"limit {step.limit}"


def _columns(step: Select, has_groups: bool) -> Iterator[str]:
    order = step.in_order if has_groups else step.columns
    last = order[-1]
    for group in _GROUPS if has_groups else (None,):
        members = [column for column in order if group in (None, column.group)]
        if has_groups and members:
            yield ""
            yield f"    ---------- {group}"
        for column in members:
            lines = _expression(column.sql)
            lines[-1] += f" as {column.name}" if column.name else ""
            lines[-1] += "" if column is last else ","
            yield from (f"    {line}" for line in lines)


def _all_of(word: str, conditions: Sequence[str]) -> Iterator[str]:
    if len(conditions) == 1 and len(conditions[0]) <= _WIDEST:
        yield f"{word} {conditions[0]}"
    elif conditions:
        yield word
        for number, condition in enumerate(conditions):
            lines = _expression(condition)
            lines[0] = ("and " if number else "") + lines[0]
            yield from (f"    {line}" for line in lines)


def _expression(sql: str) -> list[str]:
    """An expression's lines: a long cast, sum or CASE has several."""
    if len(sql) <= _WIDEST:
        return [sql]
    if sql.startswith("cast(") and _is_one_call(sql):
        return ["cast(", *(f"    {line}" for line in _expression(sql[5:-1])), ")"]
    if sql.startswith("row_number() over (") and _is_one_call(sql.removeprefix("row_number() over ")):
        parts = re.split(r"(?<=\S) (?=order by )", sql[len("row_number() over (") : -1], maxsplit=1)
        return ["row_number() over (", *(f"    {part}" for part in parts), ")"]
    if sql.startswith("case ") and "{" not in sql:
        return _case(sql)
    return _terms(sql)


def _is_one_call(sql: str) -> bool:
    """Whether the last bracket closes the first one."""
    depth = 0
    for place, letter in enumerate(sql):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter == ")":
            return place == len(sql) - 1
    return False


def _terms(sql: str) -> list[str]:
    """What is added, divided and so on, each on its line with the sign before it."""
    lines, depth, start = [], 0, 0
    for place, letter in enumerate(sql):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and sql[place : place + 3] in _SIGNS:
            lines.append(sql[start:place])
            start = place + 1
    return [*lines, sql[start:]]


def _case(sql: str) -> list[str]:
    tree = parse(sql)
    if not isinstance(tree, exp.Case) or tree.this is not None:
        return [sql]
    branches = [
        f"    when {of_tree(branch.this)} then {of_tree(branch.args['true'])}" for branch in tree.args["ifs"]
    ]
    default = tree.args.get("default")
    return ["case", *branches, *([f"    else {of_tree(default)}"] if default is not None else []), "end"]
