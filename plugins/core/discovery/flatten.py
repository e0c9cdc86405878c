"""Rows of any shape become flat columns: objects spread, arrays are put aside for a stream of their own.

Maps (objects whose keys are data) and fields of several types stay whole, as JSON.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from plugins.core.discovery import types
from plugins.core.privacy import redact

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["scalar", "json", "array", "map", "polymorphic", "binary"]

# Objects within objects are spread so deep; what is below stays JSON.
DEEPEST = 12
# Columns of one stream; of more, the rest stays JSON in the object they are in.
_MOST_COLUMNS = 5_000
_LEAST_MAP_KEYS = 12
_MAP_PRESENCE = 0.34
_LIKE_DATA = re.compile(
    r"\d+|[0-9a-fA-F-]{32,36}|\d{4}-\d\d(?:-\d\d)?|[a-z]{2}[-_][A-Z]{2}|\S+@\S+|[A-Z]{2,5}-?\d{2,}"
)


@dataclass(frozen=True)
class Cells:
    """A flat column. values: an Arrow array with one value per row; JSON text for what is not scalar."""

    name: str
    path: tuple[str, ...]
    data_type: str
    kind: Kind
    values: pa.Array
    variants: tuple[tuple[str, float], ...] = ()
    evidence: str = ""


@dataclass(frozen=True)
class Elements:
    """The elements of an array's field, put aside. rows: the number of the row that each is of, from 0."""

    path: tuple[str, ...]
    name: str
    rows: list[int]
    positions: list[int]
    values: list[Any]


@dataclass
class Flat:
    """Columns of equal length, what was put aside of them, and notes on bounds that were met."""

    rows: int
    columns: list[Cells] = field(default_factory=list)
    arrays: list[Elements] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def name_of(self, path: tuple[str, ...]) -> str:
        """A name that no other column has."""
        name = plain = "__".join(path) or "value"
        number = 1
        while name in self.names:
            number += 1
            name = f"{plain}_{number}"
        self.names.add(name)
        return name


def flatten(sample: pa.Table | Sequence[Any]) -> Flat:
    """Flat columns of an Arrow table or of rows; rows that are no objects become a column `value`."""
    if hasattr(sample, "column_names"):
        return _of_table(sample)
    rows = sample if isinstance(sample, list) else list(sample)
    flat = Flat(len(rows))
    # A missing row is an object without fields.
    objects = [row if isinstance(row, Mapping) else {} if row is None else {"value": row} for row in rows]
    _spread(flat, (), objects)
    return flat


def _of_table(table: pa.Table) -> Flat:
    import pyarrow as pa

    flat = Flat(table.num_rows)
    for name, column in zip(table.column_names, table.columns, strict=True):
        array = column.combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) and array.num_chunks else array
        kind = array.type
        if isinstance(kind, pa.BaseExtensionType):
            _add_extension(flat, name, array)
        elif pa.types.is_dictionary(kind):
            _add_scalar(flat, (name,), array.cast(kind.value_type))
        elif pa.types.is_map(kind):
            maps = [None if one is None else {str(k): v for k, v in one} for one in array.to_pylist()]
            _add_map(flat, (name,), maps, "stored as a map")
        elif pa.types.is_nested(kind):
            _add_field(flat, (name,), array.to_pylist())
        else:
            _add_scalar(flat, (name,), array)
    return flat


def _add_extension(flat: Flat, name: str, array: pa.Array) -> None:
    import pyarrow as pa

    label = {"arrow.uuid": "UUID", "arrow.json": "JSON"}.get(array.type.extension_name)
    if label == "UUID":
        array = pa.array([None if one is None else str(one) for one in array.to_pylist()], pa.string())
        flat.columns.append(Cells(flat.name_of((name,)), (name,), "UUID", "scalar", array))
    else:
        _add_scalar(flat, (name,), array.storage, label)


def _add_scalar(
    flat: Flat, path: tuple[str, ...], array: pa.Array, data_type: str | None = None, is_hex: bool = False
) -> None:
    """Add a column of one type. is_hex: its bytes are text already."""
    import pyarrow as pa

    label = data_type or types.duckdb_type(array.type)
    is_bytes = types.family(label) == "binary"
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = _readable(array)
    if is_bytes and not is_hex:
        array = pa.array([None if one is None else one[:64].hex() for one in array.to_pylist()], pa.string())
    name = flat.name_of(path)
    flat.columns.append(Cells(name, path, label, "binary" if is_bytes else "scalar", array))
    if label in ("VARCHAR", "JSON") and (documents := _documents(array)) is not None:
        _add_within(flat, path, name, documents)


def _readable(array: pa.Array) -> pa.Array:
    """The texts, with a sign in place of bytes that are none: databases hand on whatever they were given."""
    import pyarrow as pa

    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        raw = array.cast(pa.binary()).to_pylist()
        return pa.array([None if one is None else one.decode("utf-8", "replace") for one in raw], pa.string())
    return array


def _documents(array: pa.Array) -> list[Any] | None:
    """What the texts of a column say, if all of them are JSON objects, or all arrays; else None."""
    filled = array.drop_null()
    if not len(filled) or not str(filled[0].as_py()).lstrip().startswith(("{", "[")):
        return None
    try:
        found = [None if text is None else json.loads(text) for text in array.to_pylist()]
    except (ValueError, RecursionError):
        return None
    kinds = {type(one) for one in found} - {type(None)}
    return found if kinds in ({dict}, {list}) else None


def _add_within(flat: Flat, path: tuple[str, ...], name: str, documents: list[Any]) -> None:
    """What is within the JSON of a text column, beside the column as it is."""
    if any(isinstance(one, list) for one in documents):
        _put_aside(flat, path, name, documents)
    elif len(path) < DEEPEST and not _is_map(documents):
        _spread(flat, path, documents, is_whole=True)


def _spread(
    flat: Flat, path: tuple[str, ...], objects: Sequence[Mapping[Any, Any] | None], is_whole: bool = False
) -> None:
    """Add a field for each key of objects, in the order in which they first appear.

    is_whole: the objects are a column already.
    """
    found: dict[str, list[Any]] = {}
    rows = flat.rows
    for number, one in enumerate(objects):
        if one:
            for key, value in one.items():
                key = key if isinstance(key, str) else str(key)
                if (values := found.get(key)) is None:
                    values = found[key] = [None] * rows
                values[number] = value
    if len(flat.columns) + len(found) > _MOST_COLUMNS:
        flat.notes.append(f"{len(found):,} fields of {'.'.join(path) or 'the rows'} are too many to look at each")
        if not is_whole:
            _add_json(flat, path, objects)
        return
    for key, values in found.items():
        _add_field(flat, (*path, key), values)


def _add_field(flat: Flat, path: tuple[str, ...], values: list[Any]) -> None:
    kinds = set(map(type, values)) - {type(None)}
    if kinds and all(issubclass(kind, Mapping) for kind in kinds):
        _add_objects(flat, path, values)
    elif kinds and all(issubclass(kind, (list, tuple)) for kind in kinds):
        _add_array(flat, path, values)
    elif any(issubclass(kind, (Mapping, list, tuple)) for kind in kinds) or not types.are_one_family(kinds):
        _add_polymorphic(flat, path, values)
    else:
        _add_scalar(flat, path, *types.to_array(values), is_hex=True)


def _add_objects(flat: Flat, path: tuple[str, ...], values: list[Mapping[Any, Any] | None]) -> None:
    if why := _is_map(values):
        _add_map(flat, path, values, why)
    elif len(path) >= DEEPEST:
        flat.notes.append(f"{'.'.join(path)} is nested deeper than {DEEPEST} levels: it stays JSON")
        _add_json(flat, path, values)
    elif not any(values):
        _add_json(flat, path, values)
    else:
        _spread(flat, path, values)


def _is_map(values: Sequence[Mapping[Any, Any] | None]) -> str | None:
    """Why objects are maps, whose keys are data, and not records, whose keys are fields; None if they are none."""
    objects = [one for one in values if one]
    keys = Counter(str(key) for one in objects for key in one)
    if len(keys) < 2 or len(objects) < 2:
        return None
    sorts = {types.sort_of(value) for one in objects for value in one.values()} - {"null"}
    if len(sorts) > 1 or len({_form(v) for one in objects[:50] for v in one.values() if v is not None}) > 3:
        return None
    alike = sum(_LIKE_DATA.fullmatch(key) is not None for key in keys)
    presence = sum(keys.values()) / len(keys) / len(objects)
    if alike >= 0.9 * len(keys) and (presence < 0.95 or len(keys) >= 5):
        return f"its {len(keys):,} keys are data ({redact(', '.join(list(keys)[:3]))}), its values all of one type"
    if len(keys) >= _LEAST_MAP_KEYS and presence <= _MAP_PRESENCE:
        return (
            f"{len(keys):,} keys, each in {presence:.0%} of {len(objects):,} objects, and values all of one type"
        )
    return None


def _form(value: Any) -> Any:
    return tuple(sorted(map(str, value))) if isinstance(value, Mapping) else type(value).__name__


def _add_map(flat: Flat, path: tuple[str, ...], values: Sequence[Any], why: str) -> None:
    inner = [value for one in values if one for value in one.values()]
    label = "JSON"
    if inner and all(not isinstance(one, (Mapping, list, tuple)) for one in inner):
        kinds = set(map(type, inner)) - {type(None)}
        label = types.to_array(inner)[1] if types.are_one_family(kinds) else "JSON"
    name = flat.name_of(path)
    flat.columns.append(
        Cells(name, path, f"MAP(VARCHAR, {label})", "map", types.text_array(map(dump, values)), evidence=why)
    )


def _add_array(flat: Flat, path: tuple[str, ...], values: Sequence[Sequence[Any] | None]) -> None:
    name = flat.name_of(path)
    elements = [element for one in values if one for element in one]
    label, filled = "JSON", [one for one in elements if one is not None]
    if filled and not any(isinstance(one, (Mapping, list, tuple)) for one in filled):
        label = f"{types.to_array(elements)[1]}[]" if types.are_one_family(set(map(type, filled))) else "JSON"
    arrays = sum(one is not None for one in values)
    most = max((len(one) for one in values if one), default=0)
    why = f"{arrays:,} arrays of {len(elements):,} elements, {most:,} at most"
    flat.columns.append(Cells(name, path, label, "array", types.text_array(map(dump, values)), evidence=why))
    _put_aside(flat, path, name, values)


def _put_aside(flat: Flat, path: tuple[str, ...], name: str, values: Sequence[Sequence[Any] | None]) -> None:
    """Keep the elements of arrays for a stream of their own."""
    rows = [number for number, one in enumerate(values) if one for _ in one]
    positions = [place for one in values if one for place in range(len(one))]
    if rows:
        flat.arrays.append(
            Elements(path, name, rows, positions, [element for one in values if one for element in one])
        )


def _add_polymorphic(flat: Flat, path: tuple[str, ...], values: Sequence[Any]) -> None:
    counts = Counter(types.sort_of(value) for value in values if value is not None)
    total = sum(counts.values())
    variants = tuple((sort, count / total) for sort, count in counts.most_common())
    flat.columns.append(
        Cells(
            flat.name_of(path), path, "JSON", "polymorphic", types.text_array(map(dump, values)), variants,
            ", ".join(f"{sort} in {count:,} of {total:,}" for sort, count in counts.most_common()),
        )
    )  # fmt: skip


def _add_json(flat: Flat, path: tuple[str, ...], values: Iterable[Any]) -> None:
    flat.columns.append(
        Cells(flat.name_of(path), path, "JSON", "json", types.text_array(map(dump, values)), evidence="an object")
    )


def dump(value: Any) -> str | None:
    """A value as JSON text; what JSON has no word for, as text."""
    if value is None:
        return None
    try:
        return json.dumps(value, default=str, ensure_ascii=False)
    # Keys that are no text, a cycle, or a depth that the encoder refuses.
    except (TypeError, ValueError, RecursionError):
        return "{}"
