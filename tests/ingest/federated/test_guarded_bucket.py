"""Objects in place on a real S3 server, over TLS: keys are checked, renewed, and told nobody."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.ingest.federated.test_files_in_place import InPlace
from tests.ingest.objects.servers import Gateway, make_certificate

pytestmark = pytest.mark.full


def test_keys_and_authority_are_asked_for_and_renewed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    authority, certificate = make_certificate(tmp_path / "tls")
    server = Gateway(tmp_path / "s3", certificate=certificate)
    server.bucket("drop")
    server.start()
    try:
        store = server.store("drop")
        files = InPlace(
            project,
            connection={"type": "files", "url": "s3://drop/in"},
            put=lambda path, text: store.put(f"in/{path}", text),
            storage=f'[connections.c.storage]\nendpoint = "{server.endpoint}"\nca_file = "ca.pem"\n'
            'access_key = "file:key.id"\nsecret_key = "file:key.secret"\n',
        )
        (project / "ca.pem").write_bytes(authority.read_bytes())
        (project / "key.id").write_text(server.access_key)
        (project / "key.secret").write_text(server.secret_key)
        files.put("2026/a.ndjson.zst", _zstd(b'{"id": 1, "v": "x"}\n'))
        files.stream("**/*.ndjson.zst")
        files.load()
        assert files.rows("select id, v from bronze.s__t") == [(1, "x")]
        old = server.secret_key
        server.stop()
        server.renew("canary-renewed-41c8")
        server.start()
        with pytest.raises(duckdb.Error, match="read in place, and its source cannot be") as refused:
            files.rows()
        assert "access is refused" in (files.ingest().error or "")
        (project / "key.id").write_text(server.access_key)
        (project / "key.secret").write_text(server.secret_key)
        assert files.rows("select id, v from bronze.s__t") == [(1, "x")]
        told = str(refused.value) + str(files.built().execute("from duckdb_secrets()").fetchall())
        kept = b"".join(path.read_bytes() for path in (project / "lake").rglob("*") if path.is_file())
        assert not [secret for secret in (old, server.secret_key) if secret in told or secret.encode() in kept]
    finally:
        server.stop()


def _zstd(text: bytes) -> bytes:
    import zstandard

    return zstandard.compress(text)
