"""Whether what a reviewer typed is one scalar expression over a stream's columns.

It becomes part of a model that dbt compiles and runs, so everything that is not plainly that is refused: Jinja,
comments, queries, aggregates, and functions that the guard of `smelt query` refuses too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Tokenizer

from plugins.core.errors import SmeltError
from plugins.core.sql.guard import GuardError, check

_DIALECT = "duckdb"
_LONGEST = 4_000
# The guard's place is in the query, not in what was typed.
_PLACE = re.compile(r" in line \d+, column \d+")
_JINJA = re.compile(r"\{\{|\{%|\{#")
_NO_SCALARS: dict[type[exp.Expr], str] = {
    exp.Query: "a query inside reads other rows",
    exp.Subquery: "a query inside reads other rows",
    exp.AggFunc: "an aggregate makes one value of many rows",
    exp.Window: "a window function looks at other rows",
    exp.Star: "`*` is no single value",
    exp.Columns: "it makes several columns of one",
    exp.PositionalColumn: "a column is called by its name",
    exp.UDTF: "it makes several rows of one",
    exp.Explode: "it makes several rows of one",
    exp.Placeholder: "a parameter has no value here",
    exp.SessionParameter: "a parameter has no value here",
    exp.Parameter: "a parameter has no value here",
    exp.Command: "it is a command",
}
# What a constant is made of: nothing that may be another value at the next run.
_CONSTANT = (exp.Literal, exp.Null, exp.Boolean, exp.Neg, exp.Paren, exp.Cast, exp.DataType, exp.DataTypeParam)


class ExpressionError(SmeltError):
    """The expression cannot stand in a mapping."""


def check_expression(expression: str, columns: Collection[str]) -> tuple[str, ...]:
    """The stream's columns that an expression (DuckDB's SQL) is made from, in the order in which it names them;
    none of a constant, such as 'EUR', 0 or null.

    columns: names of the stream's columns. Raises ExpressionError, with what is wrong and what may be written.
    """
    tree = _read(expression)
    for kind, why in _NO_SCALARS.items():
        if found := tree.find(kind):
            raise ExpressionError(f"{_brief(found)}: {why}", "write an expression of one row's columns")
    names = list(dict.fromkeys(_resolved(name, columns) for name in _names(tree)))
    try:
        # In brackets nothing is a keyword of the query around it.
        check(f"select ({expression}) from smelt.stream", ["smelt.stream"])
    except GuardError as error:
        message = _PLACE.sub("", error.message).replace("the query is", "the expression is")
        raise ExpressionError(message, "write operators and plain functions of this row's columns") from error
    if not names and not all(isinstance(node, _CONSTANT) for node in tree.walk()):
        raise ExpressionError(
            "the expression names no column of the stream, and is no constant",
            "write a constant such as 'EUR', 0 or null, or say that nothing at the source is this",
        )
    return tuple(names)


def _read(expression: str) -> exp.Expr:
    if len(expression) > _LONGEST:
        raise ExpressionError(f"the expression is longer than {_LONGEST:,} characters")
    if _JINJA.search(expression):
        raise ExpressionError("the expression holds Jinja", "write plain SQL: dbt would run what is in the braces")
    try:
        if any(token.comments for token in Tokenizer(dialect=_DIALECT).tokenize(expression)):
            raise ExpressionError("the expression holds a comment", "leave it out")
        trees = parse(f"select {expression}", dialect=_DIALECT)
    except (SqlglotError, RecursionError) as error:
        raise ExpressionError(f"this is no SQL expression: {_first_line(error)}") from error
    [first, *others] = trees
    parts = first.expressions if isinstance(first, exp.Select) else []
    written = {name for name, value in first.args.items() if value} if first else set()
    if others or len(parts) != 1 or written - {"expressions", "kind"} or first is None:
        raise ExpressionError(
            "this is not one expression", "write one value, such as upper(name), without commas, `;` or `from`"
        )
    if isinstance(parts[0], exp.Tuple):
        raise ExpressionError("this is a row of several values", "write one value, such as concat_ws(' ', a, b)")
    if isinstance(parts[0], exp.Alias):
        raise ExpressionError("the expression names its result", "leave `as …` out: the target's name is used")
    return parts[0]


def _names(tree: exp.Expr) -> Iterator[str]:
    """Names of columns, of `a.b.c` the first; not the parameters of lambdas inside these.

    `source` is what a staging model calls the stream's rows: columns called like functions stand behind it.
    """
    for column in tree.find_all(exp.Column, bfs=False):
        first, *others = (part.name for part in column.parts)
        name = others[0] if first == "source" and others else first
        lambdas = (node for node in _above(column) if isinstance(node, exp.Lambda))
        if not any(name == parameter.name for node in lambdas for parameter in node.expressions):
            yield name


def _above(node: exp.Expr) -> Iterator[exp.Expr]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _resolved(name: str, columns: Collection[str]) -> str:
    """A column by its name, as the stream spells it: DuckDB's names have no case."""
    if name in columns:
        return name
    if found := next((column for column in columns if column.lower() == name.lower()), None):
        return found
    near = difflib.get_close_matches(name, columns, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "texts stand in single quotes, names in double ones"
    raise ExpressionError(f"the stream has no column {_cut(name)}", hint)


def _brief(node: exp.Expr) -> str:
    return _cut(node.sql(dialect=_DIALECT))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _first_line(error: Exception) -> str:
    # sqlglot underlines the place with terminal codes.
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() or ["it is nested too deeply"]
    return _cut(lines[0].partition(". Line")[0])
