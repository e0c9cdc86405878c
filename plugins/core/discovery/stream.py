"""One stream: rows in, profile out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.core.discovery.columns import profile_column, renamed
from plugins.core.discovery.dependencies import find_dependencies
from plugins.core.discovery.flatten import Cells, Elements, Flat, flatten
from plugins.core.discovery.keys import find_keys
from plugins.core.discovery.look import Look, look_at
from plugins.core.discovery.names import is_id_name
from plugins.core.discovery.profile import ColumnProfile, Finding, Key, StreamProfile
from plugins.core.discovery.verifying import count_rows, verify_keys

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Arrays within arrays become streams so deep.
_DEEPEST = 6
POSITION = "_position"
Looks = Mapping[str, Sequence[Look]]
KeysOf = Callable[[Sequence[Look], Sequence[ColumnProfile]], tuple[Key, ...]]


def discover_stream(
    name: str, sample: pa.Table | Sequence[dict[str, Any]], all_rows: duckdb.DuckDBPyRelation | None = None
) -> StreamProfile:
    """What is known of a stream by a sample of its rows: an Arrow table, or one dict per row.

    Objects become columns with a path, arrays streams of their own (`children`) while the array stays a column.
    all_rows: the whole stream, with the sample's columns; keys are then verified on every row.
    """
    return look_at_stream(name, sample, all_rows)[0]


def look_at_stream(
    name: str, sample: pa.Table | Sequence[dict[str, Any]], all_rows: duckdb.DuckDBPyRelation | None = None
) -> tuple[StreamProfile, Looks]:
    """The profile, and the looks at the columns of it and of its children, by the names of the streams."""
    flat = flatten(sample)
    total = flat.rows if all_rows is None else count_rows(all_rows)
    if all_rows is None or total <= flat.rows or not hasattr(sample, "column_names"):
        return _profile(name, flat, lambda looks, columns: find_keys(name, looks, columns), total)

    def verified(_: Sequence[Look], columns: Sequence[ColumnProfile]) -> tuple[Key, ...]:
        def guess(rows: pa.Table) -> tuple[Key, ...]:
            more = flatten(rows)
            return find_keys(name, [look_at(cells, more.rows) for cells in more.columns], columns)

        return verify_keys(all_rows, total, sample, guess)

    return _profile(name, flat, verified, total)


def _profile(
    name: str, flat: Flat, keys_of: KeysOf, total: int, parent: str | None = None, depth: int = 0
) -> tuple[StreamProfile, Looks]:
    looks = [look_at(cells, flat.rows) for cells in flat.columns]
    columns = [profile_column(look) for look in looks]
    keys = keys_of(looks, columns)
    columns = _with_units(_with_ids(columns, keys))
    dependencies = find_dependencies(looks, columns, keys)
    everything: dict[str, Sequence[Look]] = {name: looks}
    children, notes = [], list(flat.notes)
    for elements in flat.arrays:
        if depth >= _DEEPEST:
            notes.append(f"{'.'.join(elements.path)} is an array within {_DEEPEST} others: it stays JSON")
            continue
        inner = _child(flat, elements, keys)
        child, theirs = _profile(f"{name}__{elements.name}", inner, _child_keys, inner.rows, name, depth + 1)
        children.append(child)
        everything |= theirs
    columns = [_without_inner(column, columns, children) for column in columns]
    profile = StreamProfile(
        name, total, flat.rows, tuple(columns), keys, dependencies, tuple(children), parent, tuple(notes)
    )
    return profile, everything


def _without_inner(
    column: ColumnProfile, columns: Sequence[ColumnProfile], children: Sequence[StreamProfile]
) -> ColumnProfile:
    """A column that others were spread from, without examples if one of these is personal."""
    if column.semantic.value not in ("json", "array", "map", "polymorphic"):
        return column
    depth = len(column.path)
    inner = [one for one in columns if len(one.path) > depth and one.path[:depth] == column.path]
    inner += [
        one
        for child in children
        if child.name.endswith(f"__{column.name}")
        for s in child.walk()
        for one in s.columns
    ]
    personal = next((one.pii for one in inner if one.pii), None)
    if personal is None:
        return column
    value = personal.value if personal.value.startswith("contains_") else f"contains_{personal.value}"
    found = column.pii or Finding(value, personal.confidence, f"within it: {personal.evidence}")
    return replace(column, pii=found, examples=("[PII]",), values=(), minimum=None, maximum=None)


def _with_units(columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """Columns, of which amounts without a unit name the one column of currencies, if there is one beside them."""
    currencies = [column for column in columns if column.semantic.value == "currency"]
    beside = {column.path[:-1]: column.name for column in currencies}
    if len(beside) < len(currencies):
        return list(columns)
    return [
        replace(column, unit=f"column:{beside[column.path[:-1]]}")
        if column.semantic.value == "amount" and column.unit is None and column.path[:-1] in beside
        else column
        for column in columns
    ]


def _child(flat: Flat, elements: Elements, keys: Sequence[Key]) -> Flat:
    """The elements of an array as a stream, each with its parent's key and its place in the array."""
    import pyarrow as pa

    key = next((key.columns for key in keys if key.is_primary), ())
    child = flatten(elements.values)
    rows = pa.array(elements.rows, pa.int64())
    known = {cells.name: cells for cells in flat.columns}
    ahead = []
    for column in key:
        ours = known[column]
        name = child.name_of((f"_parent_{column}",))
        ahead.append(
            Cells(name, (name,), ours.data_type, "scalar", ours.values.take(rows), evidence="the parent's key")
        )
    if not key:
        name = child.name_of(("_parent_row",))
        ahead.append(
            Cells(name, (name,), "BIGINT", "scalar", rows, evidence="the number of the parent's row in the sample")
        )
    place = child.name_of((POSITION,))
    ahead.append(Cells(place, (place,), "BIGINT", "scalar", pa.array(elements.positions, pa.int64())))
    child.columns[:0] = ahead
    return child


def _child_keys(looks: Sequence[Look], columns: Sequence[ColumnProfile]) -> tuple[Key, ...]:
    """The parent's key and the place in the array; and what else the elements are told apart by."""
    added = next(n for n, column in enumerate(columns) if column.name.startswith(POSITION)) + 1
    names = tuple(column.name for column in columns[:added])
    rows = looks[0].rows
    own = Key(names, 0.97, f"the parent's key and the place in its array; {rows:,} elements", is_primary=True)
    found = find_keys("", looks[added:], columns[added:])
    return (own, *(replace(key, is_primary=False) for key in found if len(key.columns) == 1))


def _with_ids(columns: Sequence[ColumnProfile], keys: Sequence[Key]) -> list[ColumnProfile]:
    """Columns, of which a likely key is an identifier, and one that is called so and is none, of other rows."""
    single = {key.columns[0]: key for key in keys if len(key.columns) == 1}
    found = []
    for column in columns:
        key, value = single.get(column.name), column.semantic.value
        if column.name.startswith("_parent_"):
            column = renamed(column, Finding("foreign_key", 0.97, "the key of the row that the element is of"))
        elif key and key.is_primary and value in ("number", "text", "code", "uuid", "foreign_key"):
            column = renamed(column, Finding("id", key.confidence, f"a key: {key.evidence}"))
        elif key and key.is_primary and value == "id" and key.confidence > column.semantic.confidence:
            column = replace(column, semantic=Finding("id", key.confidence, f"a key: {key.evidence}"))
        elif value == "uuid" and is_id_name(column.path[-1]):
            column = renamed(column, Finding("foreign_key", column.semantic.confidence, column.semantic.evidence))
        found.append(column)
    return found
