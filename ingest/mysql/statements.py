"""Statements in the binlog, which has rows of everything else: which of them concern captured tables, and how."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from plugins.core.errors import SmeltError

Named = tuple[str, str]
Fold = Callable[[str], str]


class Effect(Enum):
    """What a statement does to a table, beside what the rows after it say."""

    EMPTIED = "emptied"
    REPLACED = "replaced"
    WRITTEN = "written"


@dataclass(frozen=True)
class Statement:
    """The text of a Query event, and the database that it was run in.

    is_certain: whether the text is in UTF-8; in which other character set it is doesn't matter but for names.
    """

    database: str
    text: str
    is_certain: bool = True

    @property
    def opening(self) -> str:
        """Its first word, in capitals."""
        return next((word.text for word in _words(self.text) if word.text), "")


def read_statement(event: bytes, at: int) -> Statement:
    """Parse a Query event whose body begins at `at`."""
    size, _, status = struct.unpack_from("<BHH", event, at + 8)
    begin = at + 13 + status
    database, raw = event[begin : begin + size].decode(), event[begin + size + 1 :]
    try:
        return Statement(database, raw.decode())
    except UnicodeDecodeError:
        return Statement(database, raw.decode("latin-1"), is_certain=False)


def effects(
    statement: Statement, captured: Collection[Named], *, folds_case: bool = False
) -> list[tuple[Named, Effect]]:
    """What the statement does to tables of `captured` (database, name). folds_case: `T` and `t` are one table.

    Raises SmeltError if the tables that it names can't be told.
    """
    if not statement.is_certain and not all((base + name).isascii() for base, name in captured):
        raise SmeltError(
            f"a statement of the binlog is not in UTF-8, as names of captured tables are: {statement.text[:80]!r}",
            "run `set names utf8mb4` before such statements; if it changed one of them, read the tables again "
            "with `smelt ingest --reset`",
        )
    lowered = statement.text.lower()
    if not any(name.lower() in lowered or base.lower() in lowered for base, name in captured):
        return []
    words = list(_words(statement.text))
    fold = str.lower if folds_case else str
    return _told(words, _named(words, statement.database, captured, fold), captured, fold) if words else []


_WRITING = {"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", "CALL", "EXECUTE", "MERGE", "IMPORT"}
# Partitions: their rows come and go without an event.
_PARTING = {"DROP", "TRUNCATE", "EXCHANGE", "DISCARD", "IMPORT", "CONVERT"}
# Parts of statements that only some versions read stand in comments: /*!40101 … */.
_TOKEN = re.compile(
    r"(?P<skipped>/\*(?!M?!).*?\*/|--(?=\s|$)[^\n]*|\#[^\n]*|/\*M?!\d*|\*/|\s+)"
    r"|(?P<quoted>`(?:[^`]|``)*`|\"(?:[^\"\\]|\\.|\"\")*\"|'(?:[^'\\]|\\.|'')*')"
    r"|(?P<word>[\w$@]+|.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Word:
    """text: in capitals, '' if it stands in quotes; name: as it may name something."""

    text: str
    name: str


def _words(statement: str) -> Iterator[_Word]:
    for found in _TOKEN.finditer(statement):
        if quoted := found["quoted"]:
            is_name = quoted[0] != "'"
            yield _Word("", quoted[1:-1].replace(quoted[0] * 2, quoted[0]) if is_name else "")
        elif word := found["word"]:
            yield _Word(word.upper(), word)


def _named(words: list[_Word], database: str, captured: Collection[Named], fold: Fold) -> list[tuple[int, Named]]:
    """Places of the words where a captured table is named."""
    known = {(fold(base), fold(name)): (base, name) for base, name in captured}
    found = []
    for n, word in enumerate(words):
        base = words[n - 2].name if n >= 2 and words[n - 1].text == "." else database
        if (table := known.get((fold(base), fold(word.name)))) and _is_no_prefix(words, n):
            found.append((n, table))
    return found


def _is_no_prefix(words: list[_Word], n: int) -> bool:
    return n + 1 >= len(words) or words[n + 1].text != "."


def _told(
    words: list[_Word], named: list[tuple[int, Named]], captured: Collection[Named], fold: Fold
) -> list[tuple[Named, Effect]]:
    opening = words[0].text
    second = {word.text for word in words[1:4]}
    tables = list(dict.fromkeys(table for _, table in named))
    if opening == "DROP" and second & {"DATABASE", "SCHEMA"}:
        gone = fold(words[-1].name if words[-1].text != ";" else words[-2].name)
        return [(table, Effect.REPLACED) for table in captured if fold(table[0]) == gone]
    if opening == "TRUNCATE":
        return [(table, Effect.EMPTIED) for table in tables[:1]]
    if opening in _WRITING:
        # What an `insert … select` reads is not written to.
        ends = {"SELECT", "VALUES", "VALUE", "SET", "("} if opening in ("INSERT", "REPLACE") else set()
        end = next((n for n, word in enumerate(words) if word.text in ends), len(words))
        return [(table, Effect.WRITTEN) for n, table in named if n < end]
    if opening in ("DROP", "RENAME"):
        is_table = bool(second & {"TABLE", "TABLES"}) and "TEMPORARY" not in second
        return [(table, Effect.REPLACED) for table in tables] if is_table else []
    if not named or "TABLE" not in {word.text for word in words[1:5]}:
        return []
    first, table = named[0]
    if opening == "CREATE":
        # The first name is what is made; others are what it is made of.
        made = words[: first + 1]
        is_made = "TABLE" in {word.text for word in made[-6:]} and not {"LIKE", "SELECT", "AS", "("} & {
            word.text for word in made
        }
        is_temporary = "TEMPORARY" in {word.text for word in made}
        return [(table, Effect.REPLACED)] if is_made and not is_temporary else []
    return [(found, Effect.REPLACED) for found in tables] if _is_replacing(words) else []


def _is_replacing(words: list[_Word]) -> bool:
    """Whether an `alter table` renames a table, takes partitions away or in, or makes a foreign key.

    What a foreign key does to rows the log may not tell: the table must be looked at again.
    """
    texts = [word.text for word in words]
    return "REFERENCES" in texts or any(
        (text == "RENAME" and following not in ("COLUMN", "INDEX", "KEY"))
        or (text in _PARTING and following in ("PARTITION", "TABLESPACE", "TABLE"))
        for text, following in pairwise(texts)
    )
