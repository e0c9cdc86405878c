"""Rows of documents → Arrow tables in the types in which they land; what has no column is in `_smelt_extra`."""

from __future__ import annotations

import decimal
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute

from ingest.kafka.values.json_layout import split_keys
from ingest.mongo.layout import landings, most_common, single, varied
from ingest.mongo.rows import Row
from ingest.mongo.values import json_text, kind_of, text_of
from plugins.core.duck import quote

# Its functions are made when it is imported, which no type checker sees.
pc: Any = pyarrow.compute
_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")
# Combinations of types that get a file of their own; what the rest has beside them goes to `_smelt_extra`.
_MOST_PARTS = 16
_ARROW: Mapping[str, pa.DataType] = {
    "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(), "varchar": pa.large_string(),
    "blob": pa.large_binary(), "timestamptz": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
_TAKES: Mapping[str, set[str]] = {
    "bigint": {"int", "long"}, "double": {"int", "number"}, "boolean": {"bool"}, "blob": {"binary"},
    "timestamptz": {"date"}, "varchar": {"int", "long", "number", "bool", "date", "binary", "text"},
}  # fmt: skip
_MADE: Mapping[str, Callable[[Any], Any]] = {
    "bigint": int, "double": float, "boolean": bool, "blob": bytes, "varchar": text_of,
    "timestamptz": lambda value: int(value) * 1000,
}  # fmt: skip
# Beside what every bronze row has.
CHANGE_TYPES = {
    "_smelt_cluster_time": pa.string(),
    "_smelt_committed_at": pa.timestamp("us", tz="UTC"),
    "_smelt_session": pa.string(),
    "_smelt_txn_number": pa.int64(),
    "_smelt_update": pa.string(),
}


@dataclass(frozen=True)
class Part:
    """Rows whose fields are of the same types. columns: SQL over `table`, each with the field's name."""

    table: pa.Table
    columns: Sequence[str]


class Arranger:
    """Arranges rows of one collection. declared: types of some fields; con: casts values to those."""

    def __init__(self, declared: Mapping[str, str], con: duckdb.DuckDBPyConnection) -> None:
        self._declared = {name: kind for name, kind in declared.items() if name != "_id"}
        self._is_text_key = declared.get("_id", "varchar") == "varchar"
        self._con = con

    def parts(self, rows: Sequence[Row], known: Mapping[str, Sequence[str]]) -> Iterator[Part]:
        """`rows`, in a part for each combination of types. known: types of the table's columns by field."""
        by_kind, declared = self._landings(counted(rows), known)
        differing = varied(by_kind)
        types = {name: next(iter(found.values())) for name, found in by_kind.items()}
        for chosen, group in _grouped(rows, by_kind, differing).items():
            yield self.part(group, {**types, **dict(zip(differing, chosen, strict=True)), **declared})

    def types(self, counts: Mapping[str, Counter[str]], known: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
        """One type for each field that becomes a column: that of most of its values. counts: as of `counted`."""
        by_kind, declared = self._landings(counts, known)
        return {**single(by_kind, counts), **declared}

    def _landings(
        self, counts: Mapping[str, Counter[str]], known: Mapping[str, Sequence[str]]
    ) -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, str]]:
        """Types by kind by field, and types of fields that were declared."""
        others = {name: kinds for name, kinds in known.items() if name != "_id"}
        names, _ = split_keys([name for name in counts if name.lower() != "_id"], others)
        taken = {name: set(counts[name]) for name in names if name not in self._declared}
        return landings(taken, known), {name: self._declared[name] for name in names if name in self._declared}

    def part(self, rows: Sequence[Row], types: Mapping[str, str]) -> Part:
        """`rows` in columns of `types`; what doesn't fit, or has no column, is in `_smelt_extra`."""
        extra: list[dict[str, Any]] = [
            {name: value for name, value in row.fields.items() if name not in types and value is not None}
            for row in rows
        ]
        keys = [row.key for row in rows]
        arrays = {"k": pa.array(keys, pa.large_string() if self._is_text_key else pa.int64())}
        columns = ['k as "_id"']
        for n, (name, kind) in enumerate(types.items()):
            arrays[f"c{n}"] = self._column(rows, name, kind, extra)
            columns.append(f"c{n} as {quote(name)}")
        left = [json_text(found) if found else None for found in extra]
        arrays |= {
            "_smelt_op": pa.array([row.op for row in rows], pa.string()),
            "_smelt_source_position": pa.array([row.place for row in rows], pa.string()),
            "_smelt_extra": pa.array(left, pa.large_string()),
            "_smelt_cluster_time": pa.array([row.change.cluster_time for row in rows], pa.string()),
            "_smelt_committed_at": pa.array([row.change.committed for row in rows], pa.timestamp("us", tz="UTC")),
            "_smelt_session": pa.array([row.change.session for row in rows], pa.string()),
            "_smelt_txn_number": pa.array([row.change.number for row in rows], pa.int64()),
            "_smelt_update": pa.array([row.change.update for row in rows], pa.large_string()),
        }
        return Part(pa.table(arrays), columns)

    def _column(self, rows: Sequence[Row], name: str, kind: str, extra: list[dict[str, Any]]) -> pa.Array:
        """Values of a field in one type; those that don't fit go to `extra`."""
        if name in self._declared:
            return self._cast(rows, name, kind, extra)
        takes, made = _TAKES[kind], _MADE[kind]
        values: list[Any] = []
        for row, left in zip(rows, extra, strict=True):
            value = row.fields.get(name)
            if value is None:
                values.append(None)
            elif kind_of(value) in takes:
                values.append(made(value))
            else:
                values.append(None)
                left[name] = value
        return pa.array(values, _ARROW[kind])

    def _cast(self, rows: Sequence[Row], name: str, kind: str, extra: list[dict[str, Any]]) -> pa.Array:
        given = [row.fields.get(name) for row in rows]
        texts = [None if value is None else text_of(value) for value in given]
        cast = _decimals(texts, kind) if kind.startswith("decimal") else self._cast_texts(texts, kind)
        for n, (text, fits) in enumerate(zip(texts, pc.is_valid(cast).to_pylist(), strict=True)):
            if text is not None and not fits:
                extra[n][name] = given[n]
        return cast

    def _cast_texts(self, texts: Sequence[str | None], kind: str) -> pa.Array:
        self._con.register("smelt_texts", pa.table({"v": pa.array(texts, pa.large_string())}))
        try:
            cast = self._con.sql(f"select try_cast(v as {kind}) as v from smelt_texts").to_arrow_table()
        finally:
            self._con.unregister("smelt_texts")
        return cast["v"].combine_chunks()


def counted(rows: Sequence[Row]) -> dict[str, Counter[str]]:
    """How many values of which kind each field has, fields in the order in which they come."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in row.fields.items():
            found = counts.get(name)
            if found is None:
                found = counts[name] = Counter()
            found[kind_of(value)] += 1
    return counts


def _grouped(
    rows: Sequence[Row], by_kind: Mapping[str, Mapping[str, str]], differing: Sequence[str]
) -> Mapping[tuple[str, ...], Sequence[Row]]:
    """Rows by the types in which their `differing` fields land; without a value, the first type."""
    if not differing:
        return {(): rows} if rows else {}
    first = {name: min(by_kind[name].values()) for name in differing}
    chosen = [
        tuple(by_kind[name].get(kind_of(row.fields.get(name)), first[name]) for name in differing) for row in rows
    ]
    kept = most_common(chosen, _MOST_PARTS)
    groups: dict[tuple[str, ...], list[Row]] = {group: [] for group in kept}
    for row, group in zip(rows, chosen, strict=True):
        groups[group if group in groups else kept[0]].append(row)
    return groups


def _decimals(texts: Sequence[str | None], kind: str) -> pa.Array:
    """Decimals that are exact in the type; null where a value has more digits."""
    found = _DECIMAL.fullmatch(kind)
    assert found
    precision, scale = int(found[1]), int(found[2])
    return pa.array([_exact(text, precision, scale) for text in texts], pa.decimal128(precision, scale))


def _exact(text: str | None, precision: int, scale: int) -> decimal.Decimal | None:
    if text is None:
        return None
    with decimal.localcontext(prec=60) as context:
        context.traps[decimal.Inexact] = True
        try:
            value = decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-scale))
        except decimal.DecimalException:
            return None
    fits = value.is_finite() and value.adjusted() < precision - scale
    return value if fits or value == 0 else None
