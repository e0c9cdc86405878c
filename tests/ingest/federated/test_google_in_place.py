"""Objects of `gs://` in place: with a token that the service account signs."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.ingest.federated.test_files_in_place import InPlace, _parquet
from tests.ingest.objects.gcs import GoogleStorage, service_account
from tests.ingest.objects.servers import make_certificate

pytestmark = pytest.mark.full


def test_a_service_account_reads_in_place_and_its_key_is_told_nobody(project: Path, tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    authority, certificate = make_certificate(tmp_path / "tls")
    key, public = service_account()
    server = GoogleStorage(public, certificate)
    server.start()
    try:
        server.bucket("drop")
        files = InPlace(
            project,
            connection={"type": "files", "url": "gs://drop/in"},
            put=lambda path, text: server.put("drop", f"in/{path}", text),
            storage=f'[connections.c.storage]\nendpoint = "{server.endpoint}"\nca_file = "ca.pem"\n'
            'service_account = "file:key.json"\n',
        )
        (project / "ca.pem").write_bytes(authority.read_bytes())
        (project / "key.json").write_text(key)
        query = "select range as id, md5(range::varchar) as wide from range(100000)"
        files.put("2026/a b.parquet", _parquet(query, tmp_path, row_group_size=20_000))
        files.stream("**/*.parquet")
        files.load()
        asked: list[str] = []
        server.on_get = asked.append
        assert files.rows("select count(*), min(_smelt_source_position) from bronze.s__t where id = 7") == [
            (1, "2026/a b.parquet:000000000007")
        ]
        assert asked
        con = files.built()
        assert "eyJ" not in str(con.execute("from duckdb_secrets()").fetchall())
        secret = json.loads(key)["private_key"].splitlines()[5]
        kept = b"".join(path.read_bytes() for path in (project / "lake").rglob("*") if path.is_file())
        assert secret.encode() not in kept
        assert b"eyJ" not in kept
        (project / "key.json").write_text(service_account()[0])
        with pytest.raises(duckdb.Error, match="read in place, and its source cannot be"):
            files.rows()
        files.stream("**/*.parquet", "incremental")
        (project / "key.json").write_text(key)
        assert files.load().rows_loaded == 100_000
        files.storage = files.storage.replace('service_account = "file:key.json"\n', "")
        files.stream("**/*.parquet")
        assert "DuckDB doesn't know the machine's own account" in (files.ingest().error or "")
    finally:
        server.stop()
