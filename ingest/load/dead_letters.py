"""Records that could not be read land in `bronze.<source>__dead_letters`, each once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from ingest.extract.base import DeadLetter
from ingest.load.files import file_stem, next_batch_id
from ingest.load.types import AUDIT_TYPES
from plugins.core.lake import Batch, Lake, StaleBatch, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import remove_file, write_rows

_SCHEMA = pa.schema(
    [("reason", pa.string()), ("stream", pa.string()), ("raw", pa.binary())]
    + [(name, kind) for name, kind in AUDIT_TYPES.items()]
)


def bury(lake: Lake, identifier: str, stream: str, letters: Sequence[DeadLetter]) -> int:
    """Append the letters that aren't there yet; returns how many.

    They are committed before the stream is, so that a killed load that is repeated finds them there:
    a letter is the same if stream, position, reason and bytes are.
    """
    if not letters:
        return 0
    while True:
        ensure_columns(lake, identifier, _SCHEMA)
        table = lake.table(identifier)
        state = read_state(table)
        known = _known(table.scan(row_filter=f"stream = '{stream}'").to_arrow()) if state.snapshot_id else set()
        fresh = {
            (f"{stream}/{letter.position}", letter.reason, letter.raw): None
            for letter in letters
            if (f"{stream}/{letter.position}", letter.reason, letter.raw) not in known
        }
        if not fresh:
            return 0
        batch_id = next_batch_id(state.batch_id)
        file = f"{data_folder(table)}/{file_stem(batch_id)}.parquet"
        write_rows(table, _rows(stream, list(fresh), batch_id), file)
        try:
            commit_batch(lake, identifier, Batch(batch_id, [file], state.batch_id))
        except StaleBatch:
            remove_file(table, file)
            continue
        return len(fresh)


def _known(rows: pa.Table) -> set[tuple[str, str, bytes]]:
    columns = (rows.column(name).to_pylist() for name in ("_smelt_source_position", "reason", "raw"))
    return set(zip(*columns, strict=True))


def _rows(stream: str, letters: list[tuple[str, str, bytes]], batch_id: str) -> pa.Table:
    now = datetime.now(UTC)
    positions, reasons, raws = (list(part) for part in zip(*letters, strict=True))
    count = len(letters)
    # One record can be refused for several reasons; rows stay told apart within the batch.
    seen: dict[str, int] = {}
    unique = []
    for position in positions:
        seen[position] = seen.get(position, 0) + 1
        unique.append(position if seen[position] == 1 else f"{position}#{seen[position]}")
    columns = {
        "reason": reasons,
        "stream": [stream] * count,
        "raw": raws,
        "_smelt_batch_id": [batch_id] * count,
        "_smelt_loaded_at": [now] * count,
        "_smelt_source_position": unique,
        "_smelt_op": ["r"] * count,
        "_smelt_extra": [None] * count,
    }
    return pa.table(columns, schema=_SCHEMA)
