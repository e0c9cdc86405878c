"""How tables join, where nobody has declared it: by names, and by values that are all found in the other."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import duckdb

from plugins.nl_models.catalog.inclusion import Inclusion
from plugins.nl_models.catalog.names import table_words, words_of
from plugins.nl_models.catalog.referring import find_references
from plugins.nl_models.catalog.schema import Column, Join, Table
from plugins.nl_models.words.shortening import unglued

_KEY_WORDS = frozenset({"id", "key", "code", "number", "sk", "pk", "fk", "uuid"})
# Less than all: real databases have orphans.
_LEAST_INCLUDED = 0.9
# Letters that a word must share with one that it is short for.
_SHORTEST = 3
_LEAST_CONFIDENCE = 0.45
# Words of a table's name that say what kind of table it is, not what its rows are.
_NOISE = frozenset({"dim", "fct", "stg", "int", "agg", "tbl", "table", "list", "data", "name", "info", "detail"})

# What other tables are made from, as warehouses call it.
MADE_FROM = ("stg_", "base_", "int_", "raw_", "src_")


def find_joins(
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Table],
    declared: Iterable[tuple[str, str, str, str]] = (),
) -> tuple[Join, ...]:
    """Declared foreign keys, and for each other column the best table that it may refer to, if any does."""
    found = [Join(*ends) for ends in declared]
    keys = _Keys(tables.values())
    known = {(join.child, join.column) for join in found}
    columns = [column for table in tables.values() for column in table.columns.values()]
    asked = [c for c in columns if c.place not in known and c.distinct and keys.like(c)]

    inclusion = Inclusion(con, tables)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        best = pool.map(lambda column: _best(inclusion, tables, keys, column), asked)
        found += [join for join in best if join is not None]
    joins = list(_without_mirrors(found))
    joins += find_references(tables, joins, inclusion.share)
    return (*joins, *_same_things(inclusion, tables, joins))


def _same_things(inclusion: Inclusion, tables: Mapping[str, Table], joins: list[Join]) -> Iterable[Join]:
    """For tables that nothing joins: another table of a like name whose key has the same values."""
    joined = {name for join in joins for name in (join.child, join.parent)}
    keyed = [(table, key, set(_content(table))) for table in tables.values() if (key := _key(table)) is not None]
    for lonely, key, content in keyed:
        if lonely.name in joined:
            continue
        for other, other_key, other_content in keyed:
            is_like = other is not lonely and not content.isdisjoint(other_content)
            if is_like and lonely.rows <= other.rows and inclusion.share(key, other_key) == 1.0:
                yield Join(lonely.name, key.name, other.name, other_key.name, 0.5)
                break


def _key(table: Table) -> Column | None:
    return next(
        (c for c in table.columns.values() if c.is_unique and _KEY_WORDS.intersection(words_of(c.name))), None
    )


def _content(table: Table) -> list[str]:
    """The words of a table's name that say what its rows are."""
    return [word for word in table_words(table.name) if word not in _NOISE] or list(table_words(table.name))


class _Keys:
    """Unique columns, by what a column that refers to one may be called."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._found: dict[object, list[tuple[Table, Column]]] = defaultdict(list)
        for table in tables:
            content = _content(table)
            begins = {word[:_SHORTEST] for word in content}
            for column in table.columns.values():
                words = words_of(column.name)
                if column.is_unique and _says_key(words, content):
                    for name in {words, _own(words), *begins}:
                        self._found[name].append((table, column))

    def like(self, column: Column) -> list[tuple[Table, Column]]:
        """All that a column may refer to by its name."""
        words = words_of(column.name)
        own = _own(words)
        found = {
            key.place: (table, key)
            for name in {words, own, *(word[:_SHORTEST] for word in own[-1:])}
            for table, key in self._found.get(name, ())
        }
        return list(found.values())


def _says_key(words: tuple[str, ...], table: list[str]) -> bool:
    """Whether a column is called like a key: by a word for keys, or like its table."""
    is_glued = unglued(words, table) in (("id",), ("number",))
    return bool(_KEY_WORDS.intersection(words)) or is_glued or list(words) == table


def _own(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _KEY_WORDS)


def _best(inclusion: Inclusion, tables: Mapping[str, Table], keys: _Keys, column: Column) -> Join | None:
    candidates: list[Join] = []
    for parent, key in keys.like(column):
        if parent.name == column.table or key.kind != column.kind:
            continue
        likeness = _likeness(column, parent, key)
        if likeness < _LEAST_CONFIDENCE:
            continue
        included = inclusion.share(column, key)
        if included >= _LEAST_INCLUDED:
            candidates.append(Join(column.table, column.name, parent.name, key.name, likeness * included))

    def rank(join: Join) -> tuple[float, tuple[bool, bool, bool], int]:
        return join.confidence, _nearness(join), tables[join.parent].rows

    return max(candidates, key=rank, default=None)


def _nearness(join: Join) -> tuple[bool, bool, bool]:
    """Of equals: one of the same layer, and there a dimension, rather than what it was made from."""
    child, parent = join.child.rpartition("."), join.parent.rpartition(".")
    name = parent[2].lower()
    return child[0] == parent[0], name.startswith("dim"), not name.startswith(MADE_FROM)


def _likeness(column: Column, parent: Table, key: Column) -> float:
    """How much a column's name says that it refers to the parent's key; 0..1."""
    words, key_words, table = words_of(column.name), words_of(key.name), _content(parent)
    says_key = _says_key(key_words, table)
    own = [word for word in words if word not in _KEY_WORDS]
    if words == key_words and says_key:
        # A bare `id` on both sides says nothing.
        return 0.95 if own else (0.4 if not column.is_unique else 0.0)
    if not says_key or not own:
        return 0.0
    if column.is_unique:
        return 0.0
    if own == table or own == [w for w in key_words if w not in _KEY_WORDS]:
        return 0.9
    if own[-len(table) :] == table or (set(own) & set(table) and own[-1] in table):
        return 0.8
    return 0.5 if _is_short_for(own[-1], table) else 0.0


def _is_short_for(word: str, table: list[str]) -> bool:
    return any(len(word) >= 3 and (full.startswith(word) or word.startswith(full)) for full in table)


def _without_mirrors(joins: list[Join]) -> Iterable[Join]:
    """Of two keys of two tables that refer to each other, the surer one."""
    known: dict[tuple[str, str, str], Join] = {}
    for join in joins:
        known.setdefault((join.child, join.column, join.parent), join)
    for join in joins:
        mirror = known.get((join.parent, join.parent_column, join.child))
        if mirror is None or (_is_named_after(join), join.child) > (_is_named_after(mirror), mirror.child):
            yield join


def _is_named_after(join: Join) -> bool:
    """Whether the key is the parent's own: `singer_id` of `singer`."""
    return set(table_words(join.parent)) <= set(words_of(join.parent_column)) | {"id"}
