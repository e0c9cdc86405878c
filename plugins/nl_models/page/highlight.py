"""SQL in colours, by the same tokens that the guard reads."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.dialects import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

_STRINGS = {TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING}
_NAMES = {TokenType.VAR, TokenType.IDENTIFIER}


def highlighted(sql: str) -> list[tuple[str, str]]:
    """(class, text) of each piece, together the SQL. Classes: keyword, string, number, comment."""
    try:
        return list(_pieces(sql))
    except SqlglotError:
        return [("", sql)]


def _pieces(sql: str) -> Iterator[tuple[str, str]]:
    end = 0
    for token in DuckDB().tokenize(sql):
        between = sql[end : token.start]
        yield "comment" if between.strip() else "", between
        yield _class(token.token_type, token.text), sql[token.start : token.end + 1]
        end = token.end + 1
    yield "comment" if sql[end:].strip() else "", sql[end:]


def _class(kind: TokenType, text: str) -> str:
    if kind in _STRINGS:
        return "string"
    if kind == TokenType.NUMBER:
        return "number"
    return "keyword" if kind not in _NAMES and text[:1].isalpha() else ""
