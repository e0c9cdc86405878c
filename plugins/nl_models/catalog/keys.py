"""Which column identifies a row, and which one people know it by."""

from __future__ import annotations

from plugins.nl_models.catalog.names import table_words, words_of
from plugins.nl_models.catalog.schema import Column, Table

_KEYS = frozenset({"id", "key", "code", "pk", "sk"})


def display(table: Table) -> Column:
    """The column that people know a row by: its name, else its key."""
    columns = list(table.columns.values())
    own = set(table_words(table.name))
    texts = [column for column in columns if column.kind == "text"]

    def rank(column: Column) -> tuple[int, int]:
        words = words_of(column.name)
        left = [word for word in words if word not in own]
        names = ("name", "title", "label")
        if any(word in names for word in words):
            return (0 if len(left) <= 1 else 1), columns.index(column)
        if words[-1].endswith("name"):
            return 1, columns.index(column)
        return (2 if not left else 3), columns.index(column)

    named = sorted(texts, key=rank)
    if named and rank(named[0])[0] < 3:
        return named[0]
    return key(table) or (named[0] if named else columns[0])


def key(table: Table) -> Column | None:
    """The column that identifies a row, if one does."""
    if len(table.key) == 1:
        return table.columns[table.key[0]]
    unique = [column for column in table.columns.values() if column.is_unique]
    named = next((column for column in unique if _KEYS & set(words_of(column.name))), None)
    # Amounts that happen to differ identify nothing.
    return named or next((column for column in unique if column.kind == "text"), None)
