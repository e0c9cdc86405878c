"""A query as people here write it: imports, one step per CTE, keys before numbers, `select * from final`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import sqlglot
from sqlglot import exp

from plugins.nl_models.models.style import SqlStyle

Group = Literal["keys", "text", "numerics", "booleans", "timestamps"]
_GROUPS: tuple[Group, ...] = ("keys", "text", "numerics", "booleans", "timestamps")
# Longer lines of a CASE are broken up.
_WIDEST = 100


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
    yield from (f"-- {comment}" for comment in step.comments)
    yield "select distinct" if step.is_distinct else "select"
    yield from _columns(step.columns, style.has_groups and is_final)
    if len(step.columns) > 1:
        yield ""
    yield f"from {step.source}" + (f" as {step.alias}" if step.alias else "")
    for join in step.joins:
        yield f"{join.kind} join {join.table}" + (f" as {join.alias}" if join.alias else "")
        yield from (f"    {line}" for line in _all_of("on", join.on))
    if step.joins and (step.where or step.group_by):
        yield ""
    if step.only_new:
        yield "{% if is_incremental() %}"
        yield from _all_of("where", (*step.where, step.only_new))
        if step.where:
            yield "{% else %}"
            yield from _all_of("where", step.where)
        yield "{% endif %}"
    else:
        yield from _all_of("where", step.where)
    if step.group_by:
        yield f"group by {', '.join(step.group_by)}"
    yield from _all_of("having", step.having)
    if step.order_by:
        yield f"order by {', '.join(step.order_by)}"
    if step.limit is not None:
        yield f"limit {step.limit}"


def _columns(columns: Sequence[Column], has_groups: bool) -> Iterator[str]:
    order = [column for group in _GROUPS for column in columns if column.group == group] if has_groups else columns
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
    """An expression's lines: a long CASE has one for each branch."""
    if len(sql) <= _WIDEST or not sql.startswith("case ") or "{" in sql:
        return [sql]
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    if not isinstance(tree, exp.Case) or tree.this is not None:
        return [sql]
    from plugins.nl_models.models.expressions import of_tree

    lines = ["case"]
    for branch in tree.args["ifs"]:
        lines.append(f"    when {of_tree(branch.this)} then {of_tree(branch.args['true'])}")
    if tree.args.get("default") is not None:
        lines.append(f"    else {of_tree(tree.args['default'])}")
    return [*lines, "end"]
