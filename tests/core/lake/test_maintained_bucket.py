"""A lake in a bucket is maintained like one on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer
from numbers_table import TABLE, current, loose_files

from plugins.core import duck
from plugins.core.lake import Batch, Lake, Pin, commit_batch, ensure_columns, read_state, scan_sql
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import write_rows
from plugins.core.lake.maintenance import maintain_table
from plugins.core.lake.writing import file_stem
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings

_SCHEMA = pa.schema([("n", pa.int64()), ("_smelt_batch_id", pa.string()), ("_smelt_source_position", pa.string())])


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _append(lake: Lake, n: int) -> None:
    table, batch = lake.table(TABLE), new_id()
    file = f"{data_folder(table)}/{file_stem(batch)}.parquet"
    row = {"n": [n], "_smelt_batch_id": [batch], "_smelt_source_position": ["0"]}
    write_rows(table, pa.table(row, _SCHEMA), file)
    commit_batch(lake, TABLE, Batch(batch, [file], read_state(table).batch_id))


def _rows(pin: Pin) -> list[tuple]:
    with duck.connect() as con:
        return con.execute(f"select n from {scan_sql(pin)} order by n").fetchall()


def test_files_in_a_bucket_are_compacted_expired_and_deleted(project: Path, endpoint: str) -> None:
    import boto3

    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket="house")
    (project / "key").write_text("key")
    (project / "secret").write_text("secret")
    (project / "smelt.toml").write_text(
        f'[lake]\nroot = "s3://house/lake"\n[lake.storage]\nendpoint = "{endpoint}"\n'
        'access_key = "file:key"\nsecret_key = "file:secret"\n'
        "[maintenance]\nsnapshots = 2\nsmall_files = 3\ngrace_minutes = 0\n"
    )
    lake = Lake(load_settings(project))
    ensure_columns(lake, TABLE, _SCHEMA)
    _append(lake, 0)
    pinned = current(lake)
    for n in range(1, 8):
        _append(lake, n)
    before = _rows(current(lake))
    done = maintain_table(lake, TABLE, lambda: [pinned], thorough=True)
    assert (done.compacted, done.made, done.snapshots, done.pinned) == (8, 1, 3, 1)
    assert done.deleted > 0
    assert _rows(current(lake)) == before == [(n,) for n in range(8)]
    assert _rows(pinned) == [(0,)]
    assert loose_files(lake, [pinned]) == []
