"""References that no name gives away: whom a `mentor_id` or a `charge_nurse` refers to, by the values in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from plugins.nl_models.catalog.names import table_words, words_of
from plugins.nl_models.catalog.schema import Column, Join, Table
from plugins.nl_models.words.lexicon import lexicon

_KEY_WORDS = frozenset({"id", "key", "sk", "fk", "uuid"})
# Who refers to rows of the same table.
_ABOVE = frozenset({"parent", "manager", "boss", "mentor", "supervisor", "head", "chief", "leader", "superior"})
_OF_PEOPLE = ("er", "or", "ist", "nurse")
_CONFIDENCE = 0.5
_LEAST_VALUES = 2
_LEAST_LIKENESS = 0.3
# Every column is tried with every key: among more of them, values that are all found somewhere say little.
_MOST_KEYS = 60

Included = Callable[[Column, Column], float]


def find_references(tables: Mapping[str, Table], known: Iterable[Join], included: Included) -> Iterable[Join]:
    """Joins of columns that are called like references and that nothing is known of, where one key has all they
    hold. included: the share of the values of a column that another has."""
    ends = {(join.child, join.column) for join in known} | {(join.parent, join.parent_column) for join in known}
    keys = [(table, key) for table in tables.values() if (key := _key(table)) is not None]
    if len(keys) > _MOST_KEYS:
        return
    for table in tables.values():
        for column in table.columns.values():
            role = _role(column, table)
            if role is None or column.place in ends:
                continue
            fitting = [
                (parent, key)
                for parent, key in keys
                if key.place != column.place and key.kind == column.kind and included(column, key) == 1.0
            ]
            if (found := _one_of(fitting, role, table)) is not None:
                yield Join(table.name, column.name, found[0].name, found[1].name, _CONFIDENCE)


def _role(column: Column, table: Table) -> tuple[str, ...] | None:
    """What a column calls that which it refers to; None if it is not called like a reference."""
    words = words_of(column.name)
    own = tuple(word for word in words if word not in _KEY_WORDS)
    is_called = len(own) < len(words) or bool(lexicon().people.intersection(own[-1:]))
    is_whole = not set(own) <= set(table_words(table.name))
    is_usable = column.distinct >= _LEAST_VALUES and not column.is_unique and column.name not in table.key
    return own if own and is_called and is_whole and is_usable else None


def _is_person(words: Sequence[str]) -> bool:
    return any(word in lexicon().people or word.endswith(_OF_PEOPLE) for word in words)


def _key(table: Table) -> Column | None:
    if len(table.key) == 1:
        return table.columns[table.key[0]]
    likely = (c for c in table.columns.values() if c.is_unique and _says_key(c))
    return next(likely, None)


def _says_key(column: Column) -> bool:
    words = words_of(column.name)
    return bool(_KEY_WORDS & set(words)) or words[-1].endswith("id")


def _one_of(
    fitting: Sequence[tuple[Table, Column]], role: tuple[str, ...], own: Table
) -> tuple[Table, Column] | None:
    """Of several keys that have the values, the one of rows that may be called so; None if that can't be told."""
    if set(role) & _ABOVE and (same := [pair for pair in fitting if pair[0].name == own.name]):
        return same[0]
    people = [pair for pair in fitting if _holds_people(pair[0])]
    if _is_person(role[-1:]) and people:
        fitting = people
        if len(people) == 1:
            return people[0]
    # Small numbers are found in any key: what is called like none of them refers to none, least of all to its own.
    fitting = [pair for pair in fitting if pair[0].name != own.name]
    if not fitting:
        return None
    # Imported here: few databases need it.
    from plugins.core.embeddings import encode

    vectors = encode([" ".join(role), *(" ".join(table_words(table.name)) for table, _ in fitting)])
    likeness = vectors[1:] @ vectors[0]
    best = int(likeness.argmax())
    if likeness[best] >= _LEAST_LIKENESS:
        return fitting[best]
    # What is called like nothing that there is, is rather somebody.
    return people[0] if len(people) == 1 else None


def _holds_people(table: Table) -> bool:
    known = {word for column in table.columns.values() for word in words_of(column.name)}
    return _is_person(table_words(table.name)[-1:]) or bool(lexicon().sets["personal"] & known)
