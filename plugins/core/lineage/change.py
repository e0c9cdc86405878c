"""What a change of a model's SQL means: nothing, something added, or something broken; by model and by column.

Columns are compared by meaning (`fingerprint`), so comments, formatting, renamed CTEs and reordered
expressions of the select list are no change. Where a query can't be read that far, SQLMesh's categorisation
of the two texts decides (sqlmesh.readthedocs.io/en/stable/concepts/plans/#change-categories).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plugins.core.lineage.fingerprint import column_fingerprint, fingerprint_from_below, rows_fingerprint
from plugins.core.lineage.model import parse, read_relation
from plugins.core.lineage.relations import Relation
from plugins.core.lineage.scope import Tables


class Category(StrEnum):
    """How much a change may hurt those who read the model."""

    NONE = "none"
    ADDITIVE = "additive"
    BREAKING = "breaking"


@dataclass(frozen=True)
class QueryChange:
    """Columns in lower case. `rows_changed`: other rows than before may come out; all columns are touched then.

    is_certain: False if a query could not be read column by column, and every column counts as changed.
    """

    category: Category
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    rows_changed: bool = False
    is_certain: bool = True

    @property
    def reason(self) -> str:
        """One line for people."""
        if not self.is_certain:
            return "it can't be read column by column: everything may have changed"
        parts = [
            f"{word} {', '.join(names)}"
            for word, names in (("added", self.added), ("removed", self.removed), ("changed", self.changed))
            if names
        ]
        if self.rows_changed:
            parts.append("other rows (join, filter, grouping or source)")
        return "; ".join(parts) or "comments or formatting only"


def classify(before: str, after: str, dialect: str, tables: Tables, tables_after: Tables) -> QueryChange:
    """Compare two versions of a query; `tables` explain the names of the first, `tables_after` of the second."""
    if before == after:
        return QueryChange(Category.NONE)
    try:
        old, _ = read_relation(before, dialect, tables)
        new, _ = read_relation(after, dialect, tables_after)
        if old.is_open or new.is_open:
            return _by_text(before, after, dialect, old, new)
        return _by_columns(old, new)
    # A query of a shape never seen must not take the review with it.
    except Exception:  # noqa: BLE001
        return QueryChange(Category.BREAKING, rows_changed=True, is_certain=False)


def _by_columns(old: Relation, new: Relation) -> QueryChange:
    for relation in (old, new):
        fingerprint_from_below(relation)
    added = tuple(key for key in new.columns if key not in old.columns)
    removed = tuple(key for key in old.columns if key not in new.columns)
    changed = tuple(
        key
        for key, column in new.columns.items()
        if key in old.columns and column_fingerprint(column) != column_fingerprint(old.columns[key])
    )
    rows_changed = rows_fingerprint(old) != rows_fingerprint(new)
    return QueryChange(_category(added, removed, changed, rows_changed), added, removed, changed, rows_changed)


def _category(
    added: tuple[str, ...], removed: tuple[str, ...], changed: tuple[str, ...], rows_changed: bool
) -> Category:
    if removed or changed or rows_changed:
        return Category.BREAKING
    return Category.ADDITIVE if added else Category.NONE


def _by_text(before: str, after: str, dialect: str, old: Relation, new: Relation) -> QueryChange:
    """Stars over unknown tables: named columns can be compared, and SQLMesh tells whether only columns came."""
    known = _by_columns(old, new)
    same_stars = set(old.opens) == set(new.opens) and (old.anything is None) == (new.anything is None)
    if not same_stars:
        return QueryChange(Category.BREAKING, rows_changed=True, is_certain=False)
    # What a star over an unknown table leaves out or renames is in the text only.
    is_same_text = known.category is Category.NONE and parse(before, dialect) == parse(after, dialect)
    if known.category is Category.BREAKING or is_same_text or only_adds_columns(before, after, dialect):
        return known
    return QueryChange(Category.BREAKING, known.added, rows_changed=True, is_certain=False)


def only_adds_columns(before: str, after: str, dialect: str) -> bool:
    """Whether SQLMesh finds nothing but new projections in the second query."""
    from sqlmesh.core.model import create_sql_model

    old, new = (create_sql_model("model", parse(sql, dialect), dialect=dialect) for sql in (before, after))
    return new.is_breaking_change(old) is False
