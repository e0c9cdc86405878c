"""Records that arrive one by one in Python → Parquet files in the work folder, in bounded memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.extract.sqlite_values import Unfit
from plugins.core.duck import literal

CHUNK = 20_000
_POSITION = "_smelt_source_position"
# Values of these types stay as they are: most records have no others.
_SIMPLE = frozenset({str, int, float, bool, type(None)})


class RecordStage:
    """Takes records (mappings) or Arrow tables; gives one relation over all of them.

    types: Arrow types of known columns; a value that is not of its column's type goes to `_smelt_extra`.
    Other columns take the type of their values: one type if they agree, text if they don't.
    unfit: how many values of each column went to `_smelt_extra`.
    """

    def __init__(
        self, folder: Path, progress: Callable[[int], None], types: Mapping[str, pa.DataType] | None = None
    ) -> None:
        self._folder = folder
        self._progress = progress
        self._types = dict(types or {})
        self._rows: list[dict[str, Any]] = []
        self._files: list[Path] = []
        self.count = 0
        self.unfit: Counter[str] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one record; its place is its number, unless it brings one."""
        self.count += 1
        self._rows.append(self._fitted({_POSITION: f"{self.count:012d}", **record}))
        if len(self._rows) >= CHUNK:
            self._flush()

    def add_table(self, table: pa.Table | pa.RecordBatch) -> None:
        """Take an Arrow table as it is."""
        if isinstance(table, pa.RecordBatch):
            table = pa.Table.from_batches([table])
        positions = [f"{self.count + n:012d}" for n in range(1, table.num_rows + 1)]
        self.count += table.num_rows
        self._write(table.append_column(_POSITION, pa.array(positions, pa.string())))

    def relation(self) -> str:
        """A SELECT over everything that was added; of the known columns, without rows, if nothing was."""
        self._flush()
        if not self._files:
            columns = {**self._types, _POSITION: pa.string()}
            self._write(pa.schema(list(columns.items())).empty_table())
        files = ", ".join(literal(str(file)) for file in self._files)
        return f"select * from read_parquet([{files}], union_by_name = true)"

    def _fitted(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with plain values, its place, and what doesn't fit set aside."""
        if not self._types and all(type(value) in _SIMPLE for value in record.values()):
            return record
        fitted: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in record.items():
            plain = _plain(value)
            if isinstance(value, Unfit):
                extra[name], fitted[name] = value.plain(), None
            elif name in self._types and not _fits(plain, self._types[name]):
                extra[name] = plain
            else:
                fitted[name] = plain
        if extra:
            self.unfit.update(extra.keys())
            fitted["_smelt_extra"] = json.dumps(extra, default=str)
        return fitted

    def _flush(self) -> None:
        if not self._rows:
            return
        names = dict.fromkeys([*self._types, *(name for row in self._rows for name in row)])
        columns = {name: _column([row.get(name) for row in self._rows], self._types.get(name)) for name in names}
        self._write(pa.table(columns))
        self._rows.clear()

    def _write(self, table: pa.Table) -> None:
        file = self._folder / f"records-{len(self._files):05d}.parquet"
        # Columns without any value have no type yet; text holds whatever they may become.
        fields = [pa.field(f.name, pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
        pq.write_table(table.cast(pa.schema(fields)), file, compression="zstd")
        self._files.append(file)
        self._progress(table.num_rows)


def stage(
    records: Iterable[Mapping[str, Any] | pa.Table | pa.RecordBatch | list[Any]], into: RecordStage
) -> RecordStage:
    """Add all `records` (single ones, lists, Arrow tables)."""
    for item in records:
        if isinstance(item, pa.Table | pa.RecordBatch):
            into.add_table(item)
        elif isinstance(item, list):
            stage(item, into)
        else:
            into.add(item)
    return into


def _plain(value: Any) -> Any:
    """A value that Arrow knows; nested ones as JSON text, so that their type doesn't change from load to load."""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value) if isinstance(value, UUID) else value


def _fits(value: Any, kind: pa.DataType) -> bool:
    if value is None:
        return True
    if pa.types.is_boolean(kind):
        return isinstance(value, bool)
    if pa.types.is_integer(kind):
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    if pa.types.is_floating(kind):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) if pa.types.is_string(kind) else True


def _column(values: list[Any], kind: pa.DataType | None) -> pa.Array:
    """Values as one Arrow column: of `kind`, of the type they share, or as text."""
    try:
        return pa.array(values, type=kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    is_plain = isinstance(value, str | Decimal | int | float) and not isinstance(value, bool)
    return str(value) if is_plain else json.dumps(value, default=str)
