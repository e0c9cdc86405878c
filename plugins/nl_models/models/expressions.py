"""SQL expressions as text: an analyst's, with the tables of its columns named, and a tree's, in lower case."""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from plugins.core.errors import SmeltError

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_KEPT = (TokenType.STRING, TokenType.IDENTIFIER)


def parse(sql: str) -> exp.Expr:
    """The tree of an expression. Raises SmeltError if it is none."""
    try:
        return sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError as error:
        raise SmeltError(f"the expression {sql!r} cannot be read", "correct it in the semantic model") from error


def columns_of(sql: str) -> tuple[str, ...]:
    """Names of the columns that an expression uses, each once."""
    return tuple(dict.fromkeys(column.name for column in parse(sql).find_all(exp.Column)))


def is_name(sql: str) -> bool:
    """Whether an expression is a column and nothing else."""
    return bool(_NAME.fullmatch(sql))


def on_table(sql: str, table: str | None) -> str:
    """An expression on one line, its columns with the name of their table before them; None: without.

    >>> on_table("case when a = 1 then 'x' end", "orders")
    "case when orders.a = 1 then 'x' end"
    """
    text = sql.strip()
    if table is not None:
        starts = {c.this.meta["start"] for c in parse(text).find_all(exp.Column) if not c.table}
        for start in sorted(starts, reverse=True):
            text = f"{text[:start]}{table}.{text[start:]}"
    return in_lower_case(text)


def in_lower_case(sql: str) -> str:
    """SQL on one line with everything in lower case but strings and quoted names."""
    pieces, end = [], 0
    for token in sqlglot.tokenize(sql, dialect="duckdb"):
        if token.token_type in _KEPT:
            pieces += [_tidy(sql[end : token.start]), sql[token.start : token.end + 1]]
            end = token.end + 1
    return "".join([*pieces, _tidy(sql[end:])])


def _tidy(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).lower()


class _House(DuckDB.Generator):
    """Writes negations where people write them."""

    def not_sql(self, expression: exp.Not) -> str:
        inner = expression.this
        if isinstance(inner, exp.In):
            return self.in_sql(inner).replace(" IN ", " NOT IN ", 1)
        if isinstance(inner, exp.Is):
            return f"{self.sql(inner, 'this')} IS NOT {self.sql(inner, 'expression')}"
        return super().not_sql(expression)

    def neq_sql(self, expression: exp.NEQ) -> str:
        return self.binary(expression, "<>")


def of_tree(tree: exp.Expr) -> str:
    """A tree's SQL in lower case, on one line."""
    return in_lower_case(_House(normalize_functions="lower").generate(tree))


def literal(value: str | bool | float) -> str:
    """A constant in SQL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return exp.Literal.string(value).sql("duckdb")
    return str(int(value)) if float(value).is_integer() else repr(value)
