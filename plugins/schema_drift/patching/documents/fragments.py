"""Pieces of SQL that stand in documents: a column's name is replaced where it means the column, by its tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\$\{[^}]*\}", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXTS = frozenset(
    kind
    for kind in (
        TokenType.STRING,
        TokenType.NUMBER,
        TokenType.HEREDOC_STRING,
        TokenType.RAW_STRING,
        TokenType.BYTE_STRING,
        TokenType.NATIONAL_STRING,
    )
)
BRACES = ("{{", "{%", "{#", "}}", "%}", "#}")


@dataclass(frozen=True)
class Fragment:
    """parts: (start, end, new) in the text. doubts: places where a name stands that may mean something else."""

    parts: tuple[tuple[int, int, str], ...] = ()
    doubts: tuple[str, ...] = ()


def has_braces(text: str) -> bool:
    """Whether a text would be rendered as Jinja, or break what is."""
    return any(brace in text for brace in BRACES)


def mentions(text: str, names: Collection[str]) -> list[str]:
    """Which of the names stand in a text as words of their own, in any case."""
    folded = text.casefold()
    # A pattern for each of thousands of names would be compiled anew for each text.
    return [
        name
        for name in names
        if name
        and name.casefold() in folded
        and re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.IGNORECASE)
    ]


def rename_in_sql(
    text: str,
    find: Callable[[str], str | None],
    names: Collection[str],
    dialect: str,
    tables: Collection[str] = (),
    *,
    with_aliases: bool = False,
) -> Fragment:
    """Names of columns in a piece of SQL.

    find: the new name of a column, or None. names: all names that have a new one. tables: lower-case names by
    which the columns' table may be called. with_aliases: whether a name after `as` is the column too.
    """
    if not mentions(text, names):
        return Fragment()
    doubts = [f"Jinja in it names {name}" for jinja in _JINJA.finditer(text) for name in mentions(jinja[0], names)]
    masked = _JINJA.sub(lambda found: "_" * len(found[0]), text)
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(masked)
    except SqlglotError:
        return Fragment(doubts=("it cannot be read as SQL",))
    parts = []
    for place, token in enumerate(tokens):
        new = find(token.text) if token.token_type not in _TEXTS else None
        if new is None:
            continue
        doubt = _doubt(tokens, place, tables)
        if doubt is not None:
            doubts.append(doubt)
        elif _means_column(masked, tokens, place, with_aliases):
            written = masked[token.start : token.end + 1]
            parts.append((token.start, token.end + 1, sql_name(new, written, dialect)))
    return Fragment(tuple(parts), tuple(dict.fromkeys(doubts)))


def _doubt(tokens: list[Token], place: int, tables: Collection[str]) -> str | None:
    token = tokens[place]
    if place >= 2 and tokens[place - 1].token_type is TokenType.DOT:
        table = tokens[place - 2].text
        return None if table.lower() in tables else f"{table}.{token.text} may be of another table"
    if place + 1 < len(tokens) and tokens[place + 1].token_type is TokenType.DOT:
        return f"what is {token.text} in {token.text}.{tokens[place + 2].text if place + 2 < len(tokens) else ''}"
    return None


def _means_column(text: str, tokens: list[Token], place: int, with_aliases: bool) -> bool:
    token = tokens[place]
    following = tokens[place + 1].token_type if place + 1 < len(tokens) else None
    is_quoted = token.token_type is TokenType.IDENTIFIER or text[token.start] in '"`['
    if not is_quoted and following in (TokenType.L_PAREN, TokenType.STRING):
        return False
    is_alias = place > 0 and tokens[place - 1].token_type is TokenType.ALIAS
    return with_aliases or not is_alias


def sql_name(name: str, written: str, dialect: str) -> str:
    """A column's name in SQL, quoted if the one in its place was, or if it must be."""
    quoted = exp.to_identifier(name, quoted=True).sql(dialect)
    if written[:1] in ('"', "`", "["):
        return quoted
    return name if is_plain_name(name, dialect) else quoted


def is_plain_name(name: str, dialect: str) -> bool:
    """Whether a name needs no quotes in SQL."""
    if not _PLAIN.fullmatch(name):
        return False
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(name)
    except SqlglotError:
        return False
    return len(tokens) == 1 and tokens[0].token_type is TokenType.VAR
