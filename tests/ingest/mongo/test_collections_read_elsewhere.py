"""Reading collections from a server that others wrote: mongo-java-server, by its jars from Maven Central.

It speaks the protocol and knows the queries, but it is no replica set: it has no change stream of a database,
no resume token after a batch and no operation time, so pymongo follows none of its changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ingest.mongo.client import Deployment
from ingest.mongo.collections import Namespace
from ingest.mongo.reading import after, documents
from ingest.mongo.values import decoded
from plugins.core.settings import load_settings
from tests.ingest.kafka.broker import CENTRAL, free_port
from tests.ingest.landed import Landed

pytestmark = pytest.mark.full
_HERE = Path(__file__).parent
_STORED = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "smelt-tests" / "mongo"
_SECONDS = 60.0


def jars() -> Path:
    """The folder of the jars; those that aren't there, or are broken, are fetched."""
    _STORED.mkdir(parents=True, exist_ok=True)
    for line in (_HERE / "jars.txt").read_text().splitlines():
        checksum, path = line.split()
        jar = _STORED / path.rpartition("/")[2]
        if jar.exists() and hashlib.sha256(jar.read_bytes()).hexdigest() == checksum:
            continue
        with urllib.request.urlopen(CENTRAL + path, timeout=60) as answer:
            content = answer.read()
        assert hashlib.sha256(content).hexdigest() == checksum, f"{path} is not what it was"
        part = jar.with_name(f"{jar.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(jar)
    return _STORED


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server."""
    assert shutil.which("java"), "this needs Java 17 (Debian: default-jre-headless); `make test-full` installs it"
    number = free_port()
    command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*", "bsh.Interpreter"]
    process = subprocess.Popen([*command, str(_HERE / "server.bsh"), str(number)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + _SECONDS
    with MongoClient(port=number, serverSelectionTimeoutMS=200) as client:
        while True:
            try:
                client.admin.command("ping")
                break
            except PyMongoError:
                assert process.poll() is None
                assert time.monotonic() < deadline, "mongo-java-server didn't start"
    yield number
    process.kill()
    process.wait()


@pytest.fixture
def collection(port: int, project: Path) -> Iterator[Any]:
    with MongoClient(port=port) as client:
        client.drop_database("shop")
        yield client.shop.t


def read(project: Path, port: int) -> Landed:
    landed = Landed(project, "mongodb", {"type": "mongodb", "url": f"mongodb://127.0.0.1:{port}/shop"})
    landed.declare(sync_mode="full")
    return landed


def test_documents_that_come_after_a_key(collection, project: Path, port: int) -> None:
    keys = [
        None, float("-inf"), -5, 0.5, 7, Int64(2**40), "", "a", "b", {"a": 1}, {"a": 2}, {"b": 1}, b"a", b"ab",
        ObjectId("65a000000000000000000001"), ObjectId("65a000000000000000000002"), False, True, DatetimeMS(-1),
        DatetimeMS(5),
    ]  # fmt: skip
    collection.insert_many([{"_id": key, "n": n} for n, key in enumerate(keys)])
    read(project, port)
    deployment = Deployment(load_settings(project), "c")
    with deployment.client() as client:

        def numbers(where: Any) -> list[int]:
            found = documents(deployment, client, Namespace("shop", "t"), where, None)
            return [decoded(raw)["n"] for raw in found]

        order = numbers({})
        assert sorted(order) == list(range(len(keys)))
        for place, n in enumerate(order):
            where = after(keys[n])
            # The one type that this server doesn't know.
            where["$or"][1]["_id"]["$type"].remove("javascript")
            assert numbers(where) == order[place + 1 :], keys[n]


def test_a_collection_is_pulled_and_compared(collection, project: Path, port: int) -> None:
    collection.insert_many(
        {"_id": n, "price": Decimal128("9.90"), "at": DatetimeMS(n), "lines": [{"n": n}], "raw": Binary(b"\0", 0)}
        for n in range(2_500)
    )
    landed = read(project, port)
    assert landed.load().rows_loaded == 2_500
    assert landed.bronze("select count(distinct _id), min(price), min(lines), max(raw) from bronze") == [
        (2_500, "9.90", '[{"n": 0}]', b"\0")
    ]
    collection.delete_one({"_id": 7})
    collection.update_one({"_id": 8}, {"$set": {"price": 5}})
    result = landed.load()
    assert (result.rows_loaded, result.tombstones) == (1, 1)
