"""Which columns identify a row: as the warehouse or the project says, else as the rows show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

import duckdb

from plugins.core import duck
from plugins.schema_drift.observing.found import Found
from plugins.schema_drift.table import Column

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_KEYS = "id ids key pk uuid guid no nr num number nummer code sku ref reference hash slug isbn ean oid rowid"
_PARTS = "line item position seq sequence version date day month year at lang"
_KEY_WORDS = frozenset(_KEYS.split())
_PART_WORDS = _KEY_WORDS | frozenset(_PARTS.split())
_UNFIT = re.compile(
    r"^(float|double|real|boolean|bool|json|blob|bytea|bit|struct|map|union|xml|tsvector|point)|\]$"
)
# Beyond so many, a table's columns are not looked at one by one.
_CANDIDATES = 24
_PAIRS = 15
# Fewer rows are unique by chance in columns that nobody would call a key.
_ENOUGH = 20


def known_key(relation: Found, declared: Sequence[str]) -> tuple[str, ...]:
    """The key that the warehouse enforces or the project declares, in the relation's spelling; or empty."""
    spelled = {column.name.lower(): column.name for column in relation.columns}
    if relation.primary_key:
        return relation.primary_key
    if declared and all(name.lower() in spelled for name in declared):
        exact = {column.name for column in relation.columns}
        return tuple(name if name in exact else spelled[name.lower()] for name in declared)
    required = {column.name for column in relation.columns if column.is_nullable is False}
    return next((names for names in relation.unique if required.issuperset(names)), ())


def infer_key(con: duckdb.DuckDBPyConnection, sql: str, columns: Sequence[Column], table: str) -> tuple[str, ...]:
    """A column, else a pair, that is never null, different in each row, and looks like a key; or empty.

    sql: what the rows are read from. table: its name, which keys often repeat. Raises duckdb.Error.
    """
    candidates = _candidates(columns, table)
    if not candidates:
        return ()
    measured = ", ".join(f"count({duck.quote(c.name)}), count(distinct {duck.quote(c.name)})" for c in candidates)
    total, *counts = con.execute(f"select count(*), {measured} from {sql}").fetchall()[0]
    if not total:
        # Nothing shows that it is one, but for a name that means nothing else.
        return next(((c.name,) for c in candidates[:1] if c.name.lower() in ("id", "uuid", "guid")), ())
    filled = [c for n, c in enumerate(candidates) if counts[2 * n] == total]
    distinct = {c.name: counts[2 * n + 1] for n, c in enumerate(candidates)}
    for column in filled:
        named = _rank(column, table) <= _NAMED or (column.name == columns[0].name and total >= _ENOUGH)
        if distinct[column.name] == total and named:
            return (column.name,)
    return _pair(con, sql, columns, [c for c in filled if distinct[c.name] > 1], distinct, total, table)


_NAMED = 2


def _candidates(columns: Sequence[Column], table: str) -> list[Column]:
    """Columns that a key may be made of, likeliest first."""
    fit = [column for column in columns if not _UNFIT.search(column.type)]
    ranked = sorted(enumerate(fit), key=lambda pair: (_rank(pair[1], table), pair[0]))
    likely = [column for _, column in ranked if _rank(column, table) <= 3]
    first = [column for column in fit[:1] if column not in likely]
    return [*likely[: _CANDIDATES - 1], *first]


def _rank(column: Column, table: str) -> int:
    """0: `id`; 1: the id of this table; 2: some id or code; 3: what may be part of a key; 4: none of these."""
    words = [word.lower() for word in _WORDS.findall(column.name)]
    if not words:
        return 4
    if words in (["id"], ["uuid"], ["guid"], ["pk"]):
        return 0
    is_key = words[-1] in _KEY_WORDS or (len(words) == 1 and words[0].endswith("id") and len(words[0]) > 4)
    own = {word.lower().rstrip("s") for word in _WORDS.findall(table)}
    if is_key and own & {word.rstrip("s") for word in words[:-1]}:
        return 1
    if is_key:
        return 2
    return 3 if words[-1] in _PART_WORDS else 4


def _pair(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    columns: Sequence[Column],
    filled: Sequence[Column],
    distinct: dict[str, int],
    total: int,
    table: str,
) -> tuple[str, ...]:
    if total < _ENOUGH:
        return ()
    likely = [c for c in filled if _rank(c, table) <= 3][:8]
    place = {column.name: n for n, column in enumerate(columns)}
    # Two columns can't tell more rows apart than there are combinations of their values.
    pairs = [
        (a, b)
        for a, b in combinations(likely, 2)
        if distinct[a.name] * distinct[b.name] >= total and min(_rank(a, table), _rank(b, table)) <= _NAMED
    ][:_PAIRS]
    if not pairs:
        return ()
    measured = ", ".join(f"count(distinct ({duck.quote(a.name)}, {duck.quote(b.name)}))" for a, b in pairs)
    counts = con.execute(f"select {measured} from {sql}").fetchall()[0]
    found = next((pair for pair, n in zip(pairs, counts, strict=True) if n == total), ())
    return tuple(sorted((column.name for column in found), key=place.__getitem__))
