"""Names and expressions as the file at hand would write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from plugins.core.sql.template import has_markers

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Adapters that fold names without quotes to lower case, and compare them exactly.
_FOLDS_LOWER = {"postgres", "redshift", "materialize", "risingwave"}
_FOLDS_UPPER = {"snowflake", "oracle"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class UnsafeName(Exception):
    """A name or a text that cannot be written into a file that Jinja renders."""


@dataclass(frozen=True)
class Style:
    """How a file is written. keywords: `str.lower` or `str.upper`, by name; alias: `as`, `AS` or "" for none."""

    dialect: str
    is_upper: bool
    alias: str

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, sql: str, dialect: str) -> Style:
        """The habits of a masked text."""
        words = re.findall(r"\b(select|from|where|join|with|case|when|as)\b", sql, re.IGNORECASE)
        is_upper = sum(word.isupper() for word in words) * 2 > len(words)
        items = re.findall(r"(?i)[\w)\"'\]]\s+(as)\s+[\w\"`\[]", sql)
        has_as = bool(items) or not _has_bare_aliases(sql, dialect)
        return cls(dialect, is_upper, ("AS" if is_upper else "as") if has_as else "")

    def word(self, keyword: str) -> str:
        """A keyword in the file's case."""
        return keyword.upper() if self.is_upper else keyword.lower()

    def aliased(self, sql: str, name: str) -> str:
        """An expression under another name."""
        return f"{sql} {self.alias} {name}" if self.alias else f"{sql} {name}"

    def name(self, name: str, like: str = "") -> str:
        """A name, in quotes if it needs them or if the one that it takes the place of (`like`) has them.

        Raises UnsafeName.
        """
        check(name)
        quoted = str(exp.to_identifier(name, quoted=True).sql(dialect=self.dialect))
        if (like and not _is_word(like)) or needs_quotes(name, self.dialect):
            return quoted
        # A file that writes its columns in capitals goes on doing so, where case means nothing.
        if like and len(like) > 1 and like.isupper() and name.islower() and self.dialect not in _FOLDS_UPPER:
            return name.upper()
        return name

    def expression(self, tree: exp.Expr, qualifier: str = "") -> str:
        """A DuckDB expression in the adapter's SQL. qualifier: written before each column, with its dot."""
        tree = exp.select(tree.copy()).expressions[0]
        names: dict[str, str] = {}
        for number, column in enumerate(list(tree.find_all(exp.Column))):
            parts = [part.name for part in column.parts]
            stand_in = f"column_{number}_of_it"
            names[stand_in] = qualifier + ".".join(self.name(part) for part in parts)
            column.replace(exp.column(stand_in)) if column.parent else None
            if column is tree:
                tree = exp.column(stand_in)
        for division in tree.find_all(exp.Div):
            _as_written(division, self.dialect)
        sql = self._in_case(tree.sql(dialect=self.dialect))
        sql = re.sub(r"(?i)\bcolumn_\d+_of_it\b", lambda found: names[found[0].lower()], sql)
        if has_markers(sql) or _CONTROL.search(sql):
            raise UnsafeName("it would have to be written with characters that mean something to Jinja")
        return sql

    def _in_case(self, sql: str) -> str:
        """Keywords and functions in the file's case; what is quoted stays as it is."""
        pieces, at = [], 0
        tokens = Dialect.get_or_raise(self.dialect).tokenize(sql)
        for token, after in zip(tokens, [*tokens[1:], None], strict=True):
            pieces.append(sql[at : token.start])
            text = sql[token.start : token.end + 1]
            is_call = after is not None and after.token_type == TokenType.L_PAREN
            if _is_word(text) and (token.token_type != TokenType.VAR or is_call):
                # sqlglot knows DuckDB's type by its other name.
                is_varchar = self.dialect == "duckdb" and token.token_type == TokenType.TEXT and not is_call
                text = self.word("varchar" if is_varchar else text)
            pieces.append(text)
            at = token.end + 1
        return "".join([*pieces, sql[at:]])


def _as_written(division: exp.Div, dialect: str) -> None:
    """Division by a number that is not 0 needs no guard, and by a decimal one it is no integer division."""
    by = division.expression
    if not isinstance(by, exp.Literal) or by.is_string or not float(by.this):
        return
    division.set("safe", False)
    if dialect != "duckdb":
        division.set("typed", True)
        if by.is_int:
            division.set("expression", exp.Literal.number(f"{by.this}.0"))


def check(name: str) -> None:
    """Raises UnsafeName for a name that cannot be written into a file that Jinja renders."""
    if has_markers(name) or _CONTROL.search(name) or not name or name[-1] in "{" or name[0] in "}":
        raise UnsafeName("its name holds characters that mean something to Jinja, or that end a line")


@cache
def needs_quotes(name: str, dialect: str) -> bool:
    """Whether a column of this name must be quoted."""
    if not _PLAIN.fullmatch(name) or (dialect in _FOLDS_LOWER and name != name.lower()):
        return True
    if dialect in _FOLDS_UPPER and name != name.upper() and name != name.lower():
        return True
    if name.lower() in _reserved():
        return True
    if re.search(r"[_\d]", name) and name.upper() not in _words(dialect):
        # No word of the language: it can only be a name, and needs no trying.
        return False
    try:
        tree = sqlglot.parse_one(
            f"select {name}, 1 + {name} from t where {name} = 1 order by {name}", dialect=dialect
        )
    except SqlglotError:
        return True
    columns = list(tree.find_all(exp.Column))
    return len(columns) != 4 or any(one.name != name for one in columns)


@cache
def _words(dialect: str) -> frozenset[str]:
    """What sqlglot's dialect reads as more than a name, in upper case."""
    known = Dialect.get_or_raise(dialect)
    tokens, calls = known.tokenizer_class.KEYWORDS, known.parser_class.NO_PAREN_FUNCTION_PARSERS
    return frozenset(word.upper() for word in (*tokens, *calls))


@cache
def _reserved() -> frozenset[str]:
    import duckdb

    rows = duckdb.connect().execute(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    )
    return frozenset(row[0] for row in rows.fetchall())


def _is_word(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None


def _has_bare_aliases(sql: str, dialect: str) -> bool:
    """Whether select lists name their columns without `as`."""
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError:
        return False
    return any(isinstance(one, exp.Alias) for select in tree.find_all(exp.Select) for one in select.expressions)
