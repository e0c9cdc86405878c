"""A long expression over several lines, as an analyst writes it: arguments and branches apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

_WIDTH = 100
_STEP = "    "
_OPENING = (TokenType.L_PAREN, TokenType.CASE, TokenType.L_BRACKET)
_CLOSING = (TokenType.R_PAREN, TokenType.END, TokenType.R_BRACKET)
_DEEPER: dict[TokenType, int] = {**dict.fromkeys(_OPENING, 1), **dict.fromkeys(_CLOSING, -1)}
_BRANCHES = (TokenType.WHEN, TokenType.ELSE)


def laid_out(sql: str, ending: str, indent: str) -> str:
    """An expression (DuckDB's SQL in one line) with what follows it, broken where it is longer than 100 letters.

    Only blanks are added: read back without the breaks, it is the same text.
    """
    whole = f"{indent}{sql}{ending}"
    if len(whole) <= _WIDTH or "\n" in sql:
        return whole
    try:
        *before, last = _broken(sql, indent, len(ending))
    except SqlglotError:
        # Whoever wrote it is told so where it is run.
        return whole
    return "\n".join([*before, last + ending])


def _broken(sql: str, indent: str, reserved: int = 0) -> list[str]:
    """The lines of an expression; reserved: characters that will follow the last."""
    if len(indent) + len(sql) + reserved <= _WIDTH:
        return [indent + sql]
    tokens = Tokenizer(dialect="duckdb").tokenize(sql)
    group = max(_groups(tokens), key=lambda one: one[1].end - one[0].start, default=None)
    if group is None or group[1].start - group[0].end <= 1:
        return [indent + sql]
    opening, closing = group
    if opening.token_type is TokenType.CASE:
        return list(_case(sql, opening, closing, indent))
    arguments = _split(sql[opening.end + 1 : closing.start], (TokenType.COMMA,))
    lines = [indent + sql[: opening.end + 1]]
    for place, argument in enumerate(arguments):
        comma = "," if place < len(arguments) - 1 else ""
        *before, last = _broken(argument, indent + _STEP, len(comma))
        lines += [*before, last + comma]
    return [*lines, indent + sql[closing.start :]]


def _case(sql: str, opening: Token, closing: Token, indent: str) -> Iterator[str]:
    """`case` with what is before it, a line a branch, `end` with what follows it."""
    head, *branches = _split(sql[opening.end + 1 : closing.start].strip(), _BRANCHES)
    yield f"{indent}{sql[: opening.end + 1]} {head}".rstrip()
    for branch in branches:
        if len(indent + _STEP + branch) <= _WIDTH or " then " not in branch:
            yield from _broken(branch, indent + _STEP)
            continue
        when, then = _split(branch, (TokenType.THEN,))
        yield f"{indent}{_STEP}when"
        yield from _broken(when.removeprefix("when").strip(), indent + 2 * _STEP)
        yield from _broken(then, indent + 2 * _STEP)
    yield indent + sql[closing.start :]


def _split(sql: str, at: Sequence[TokenType]) -> list[str]:
    """The parts of a text between commas, or before each of some words, that stand in no brackets."""
    tokens = Tokenizer(dialect="duckdb").tokenize(sql)
    parts, start = [], 0
    for token, depth in _depths(tokens):
        if depth == 0 and token.token_type in at:
            parts.append(sql[start : token.start].strip())
            start = token.end + 1 if token.token_type is TokenType.COMMA else token.start
    return [*parts, sql[start:].strip()]


def _groups(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Opening and closing of the brackets, and of cases, that stand in no others."""
    opening: Token | None = None
    for token, depth in _depths(tokens):
        if depth == 0 and token.token_type in _CLOSING and opening is not None:
            yield opening, token
            opening = None
        elif depth == 1 and token.token_type in _OPENING:
            opening = token


def _depths(tokens: Sequence[Token]) -> Iterator[tuple[Token, int]]:
    """Each token with how deep it is in brackets and cases, once it is read."""
    depth = 0
    for token in tokens:
        depth += _DEEPER.get(token.token_type, 0)
        yield token, depth
