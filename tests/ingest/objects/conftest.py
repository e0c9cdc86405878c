"""A bucket into which objects are put, and the project that loads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store

from tests.ingest.landed import Landed
from tests.ingest.objects.servers import Gateway, open_client


@dataclass
class Objects(Landed):
    """The prefix `in` of a bucket, loaded as the stream `t` of the source `s`."""

    kind: str = "files"
    endpoint: str = ""
    store: S3Store | None = None
    lake: str = "lake"
    options: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, content: str | bytes) -> None:
        assert self.store is not None
        self.store.put(f"in/{name}", content.encode() if isinstance(content, str) else content)

    def stream(self, glob: str = "*.csv", key: str | None = "id", **files: Any) -> None:
        self.declare(files={"glob": glob, **files}, primary_key=[key] if key else [])
        lines = {
            "endpoint": self.endpoint,
            "access_key": "file:key.id",
            "secret_key": "file:key.secret",
            **self.options,
        }
        storage = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
        with (self.project / "smelt.toml").open("a") as file:
            file.write(f"[connections.c.storage]\n{storage}")
            file.write(f'[lake]\nroot = "{self.lake}"\n')
            if "://" in self.lake:
                file.write(f"[lake.storage]\n{storage}")

    def keys(self, access_key: str, secret_key: str) -> None:
        (self.project / "key.id").write_text(access_key + "\n")
        (self.project / "key.secret").write_text(secret_key + "\n")


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def objects(project: Path, moto_endpoint: str, request: pytest.FixtureRequest) -> Objects:
    """A project over a bucket of its own on moto's server."""
    import boto3

    bucket = f"b-{abs(hash(request.node.nodeid)):x}"
    boto3.client(
        "s3", endpoint_url=moto_endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    ).create_bucket(Bucket=bucket)
    store = open_client(bucket, moto_endpoint)
    made = Objects(
        project, connection={"type": "files", "url": f"s3://{bucket}/in"}, endpoint=moto_endpoint, store=store
    )
    made.keys("test-key-id", "test-secret-key-31415926")
    made.stream()
    return made


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A real S3 server, of this test alone."""
    server = Gateway(tmp_path / "s3")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def shop(project: Path, gateway: Gateway) -> Objects:
    """A project over the bucket `drop` of the real server."""
    gateway.bucket("drop")
    gateway.bucket("lake")
    made = Objects(
        project, connection={"type": "files", "url": "s3://drop/in"}, endpoint=gateway.endpoint,
        store=gateway.store("drop"),
    )  # fmt: skip
    made.keys(gateway.access_key, gateway.secret_key)
    made.stream()
    return made
