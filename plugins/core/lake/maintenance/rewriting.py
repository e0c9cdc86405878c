"""Writing small files together: one new file, and one snapshot in which it stands for them.

1. The new file is written; nobody sees it. 2. One commit takes the small files out and puts the new one in.
Rows, their order of batch and position, and the table's own position stay as they were. Killed before 2, the new
file is nobody's, and is swept away; after 2, everything is done. An append that comes first makes the commit look
again; if another compaction took the same files, this one is given up.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
from pyiceberg.exceptions import ValidationException
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table, _parquet_files_to_data_files
from ulid import ULID

from plugins.core import duck
from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake.catalog import Lake, data_folder
from plugins.core.lake.maintenance.compacting import DataFile
from plugins.core.lake.maintenance.storage import discard
from plugins.core.lake.pin import local_path
from plugins.core.lake.state import EPOCH
from plugins.core.lake.transaction import begin, retried
from plugins.core.lake.writing import COMPACTED, file_stem

MAINTENANCE = "smelt.maintenance"
_PLACE = ("_smelt_batch_id", "_smelt_source_position")
_MEMORY = "1GB"


def current_files(table: Table) -> list[DataFile]:
    """Data files of the current snapshot."""
    files = (task.file for task in table.scan().plan_files())
    return [DataFile(file.file_path, file.file_size_in_bytes, file.record_count) for file in files]


def compact(lake: Lake, identifier: str, group: Sequence[DataFile]) -> bool:
    """Write `group`, files of the current snapshot, to one; False if another compaction came first.

    Raises SmeltError if what was written hasn't the rows that were read.
    """
    table = lake.table(identifier)
    name = file_stem(str(ULID()))
    file = f"{data_folder(table)}/{COMPACTED}{name}.parquet"
    spill = lake.settings.local_root / ".staging" / name
    reach("compact-before-write")
    try:
        _merge(table, group, file, spill)
        reach("compact-after-write")
        _replace(lake, identifier, group, file)
    except ValidationException:
        discard(table, file)
        return False
    except BaseException:
        discard(table, file)
        raise
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    reach("compact-after-commit")
    return True


def _merge(table: Table, group: Sequence[DataFile], file: str, spill: Path) -> None:
    """The rows of `group` in the table's columns, in order of batch and position."""
    with duck.connect(extensions=()) as con:
        duck.renew(con)
        con.execute(f"set memory_limit = '{_MEMORY}'")
        con.execute(f"set temp_directory = {literal(str(spill))}")
        paths = ", ".join(literal(local_path(one.path)) for one in group)
        con.execute(f"create view small as from read_parquet([{paths}], union_by_name = true)")
        columns = _columns(con, table)
        order = ", ".join(name for name in _PLACE if name in columns)
        select = f"select {', '.join(columns.values())} from small" + (f" order by {order}" if order else "")
        ((written,),) = con.execute(
            f"copy ({select}) to {literal(file)} (format parquet, compression zstd)"
        ).fetchall()
    expected = sum(one.rows for one in group)
    if expected != written:
        raise SmeltError(
            f"compaction of {table.name()[-1]} read {written} rows where {expected} are recorded",
            "nothing was changed; check the disk, and restore the lake from a backup if files are damaged",
        )


def _columns(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    """SQL of each column of the table: in its type of today, null where the files are older than the column."""
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    types = con.from_arrow(schema.empty_table()).types
    there = {name.lower() for name in con.sql("from small").columns}
    return {
        name: f"{quote(name) if name.lower() in there else 'null'}::{kind} as {quote(name)}"
        for name, kind in zip(schema.names, types, strict=True)
    }


@retried
def _replace(lake: Lake, identifier: str, group: Sequence[DataFile], file: str) -> None:
    """Commit it on the table as it is now. Raises ValidationException if a file of the group is no more in it."""
    table = lake.table(identifier)
    current = {task.file.file_path: task.file for task in table.scan().plan_files()}
    if file in current:
        return  # an attempt whose answer was lost had been committed
    missing = [one.path for one in group if one.path not in current]
    if missing:
        raise ValidationException(f"no more in {identifier}: {missing[0]}")
    snapshot = table.current_snapshot()
    epoch = snapshot.summary[EPOCH] if snapshot and snapshot.summary else None
    # The rows are those of the snapshot before, so they are as far in the log.
    marks = {MAINTENANCE: "compaction", **({EPOCH: epoch} if epoch else {})}
    transaction = begin(table)
    (new,) = _parquet_files_to_data_files(transaction.table_metadata, [file], table.io)
    with transaction.update_snapshot(snapshot_properties=marks).overwrite() as update:
        for one in group:
            update.delete_data_file(current[one.path])
        update.append_data_file(new)
    reach("compact-in-transaction")
    transaction.commit_transaction()
