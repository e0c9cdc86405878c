"""`smelt discover` of a bucket: a sample of its objects is fetched, and all of them are told by their names."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import typer
from obstore.store import S3Store
from typer.testing import CliRunner

from plugins.discovery.command import register
from tests.ingest.federated.counting import Counting, serve_s3
from tests.ingest.objects.servers import open_client

SECRET = "canary-of-discovery-55e0"
_APP = typer.Typer()
register(_APP)
_APP.command("other")(lambda: None)


@pytest.fixture(scope="module")
def server() -> Iterator[Counting]:
    server = serve_s3("discovered")
    yield server
    server.stop()


@pytest.fixture
def store(server: Counting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3Store:
    """The bucket, and keys to it in the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id-of-discovery")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.chdir(tmp_path)
    return open_client("discovered", server.url)


def _discovered(*arguments: str) -> tuple[dict, str]:
    done = CliRunner().invoke(_APP, ["discover", *arguments, "--json"])
    assert done.exit_code == 0, done.exception or done.output
    assert SECRET not in done.output
    return json.loads(done.stdout), done.stderr


def _rows(start: int, count: int) -> str:
    return "id,name,paid\n" + "".join(f"{n},name {n},{n % 97}.5\n" for n in range(start, start + count))


def test_a_few_objects_and_their_beginnings_stand_for_all(
    store: S3Store, server: Counting, tmp_path: Path
) -> None:
    for day in range(1, 29):
        store.put(f"in/orders/2026-01-{day:02d}.csv", _rows(day * 1000, 10).encode())
    large = _rows(0, 400_000)
    store.put("in/events.csv", large.encode())
    store.put("in/packed.csv.gz", gzip.compress(large.encode(), 1))
    file = tmp_path / "t.parquet"
    query = "select range as id, md5(range::varchar) as wide from range(200000)"
    duckdb.connect().execute(f"copy ({query}) to '{file}' (row_group_size 20000)")
    store.put("in/table.parquet", file.read_bytes())
    store.put("in/readme.md", b"nothing to read")
    size = file.stat().st_size + len(large)
    asked = server.asked(lambda: _discovered("s3://discovered/in"))
    assert asked < size / 2
    found, told = _discovered("s3://discovered/in/")
    streams = {one["name"]: one for one in found["streams"]}
    assert sorted(streams) == ["events", "orders", "packed", "table"]
    assert [column["name"] for column in streams["table"]["columns"]] == ["id", "wide"]
    assert [column["name"] for column in streams["packed"]["columns"]] == ["id", "name", "paid"]
    assert streams["orders"]["notes"][0].startswith("a sample: 3 of 28 objects")
    assert streams["events"]["notes"][0].startswith("a sample: the beginnings of 1 of 1 objects")
    assert ["id"] in [key["columns"] for key in streams["events"]["keys"]]
    assert "objects of other kinds, left out: 1" in told


@pytest.mark.full
def test_the_nearest_connection_says_how_a_bucket_is_reached(
    store: S3Store, server: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "smelt.toml").write_text(
        '[connections.far]\ntype = "files"\nurl = "s3://discovered/no"\n'
        '[connections.near]\ntype = "files"\nurl = "s3://discovered"\n'
        f'storage = {{ endpoint = "{server.url}", access_key = "file:secret", secret_key = "file:secret" }}\n'
    )
    store.put("near/[a]*.csv", b"id,name\n1,x\n")
    for place in ("s3://discovered/near", "near"):
        found, _ = _discovered(place)
        assert 1 in [one["rows"] for one in found["streams"]]
    done = CliRunner().invoke(_APP, ["discover", "s3://discovered/nowhere"])
    assert done.exit_code == 1
    assert "there is nothing to read in s3://discovered/nowhere" in str(done.exception or done.output)
