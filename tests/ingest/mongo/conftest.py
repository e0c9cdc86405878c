"""A replica set on the loopback, and a project whose source `s` reads a collection of it as the stream `t`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import ingest
from plugins.core.lake import Lake
from plugins.core.settings import load_settings
from tests.ingest.landed import Landed
from tests.ingest.mongo.replica import Replica
from tests.ingest.mongo.wire import Wire


class Collected(Landed):
    """A project that reads collections of the database `shop`."""

    def __init__(self, project: Path, replica: Replica, wire: Wire) -> None:
        super().__init__(project, "mongodb", {"type": "mongodb", "url": url(wire)})
        self.replica, self.wire = replica, wire

    def read(self, *names: str, source: dict[str, Any] | None = None, **stream: Any) -> None:
        """Declare streams of collections (`database.collection`), all with what `stream` says."""
        self.declare()
        streams = [{"name": name.rpartition(".")[2], **stream} for name in names or ("t",)]
        for one, name in zip(streams, names, strict=False):
            if "." in name:
                one["mongo"] = {"database": name.partition(".")[0]}
        tree = {"kind": "mongodb", "connection": "c", "owner": "tests", **(source or {}), "streams": streams}
        with (self.project / "sources" / "s" / "source.yml").open("w") as file:
            YAML(typ="safe", pure=True).dump(tree, file)

    def insert(self, *documents: Any, to: str = "t", **more: Any) -> None:
        self.replica.insert("shop", to, *documents, **more)

    def loads(self, **options: Any) -> dict[str, ingest.StreamResult]:
        """Ingest all streams, which must succeed."""
        results = ingest.run(load_settings(self.project), **options)
        assert not [result.error for result in results if result.error]
        return {result.stream: result for result in results}

    def state(self, columns: str, table: str = "t") -> list[tuple]:
        """The newest version of each key that is not deleted, by key."""
        return self.bronze(
            f"select {columns} from (select * from bronze qualify row_number() over (partition by _id "
            "order by _smelt_batch_id desc, _smelt_source_position desc) = 1) where _smelt_op <> 'd' order by _id",
            f"s__{table}",
        )

    def events(self, columns: str, table: str = "t") -> list[tuple]:
        """Operation and `columns` of what came by the change stream, in its order."""
        return self.bronze(
            f"select _smelt_op, {columns} from bronze where _smelt_cluster_time is not null "
            "order by _smelt_batch_id, _smelt_source_position",
            f"s__{table}",
        )

    def position(self, table: str = "t") -> dict[str, Any]:
        found = Lake(load_settings(self.project)).table(f"bronze.s__{table}")
        return json.loads(found.properties["smelt.position"])


def url(wire: Wire, credentials: str = "") -> str:
    return f"mongodb://{credentials}127.0.0.1:{wire.port}/shop?replicaSet=rs0&heartbeatFrequencyMS=500"


@pytest.fixture
def replica() -> Replica:
    return Replica()


@pytest.fixture
def wire(replica: Replica) -> Iterator[Wire]:
    made = Wire(replica)
    made.start()
    replica.me = f"127.0.0.1:{made.port}"
    yield made
    made.stop()


@pytest.fixture
def shop(project: Path, replica: Replica, wire: Wire) -> Collected:
    return Collected(project, replica, wire)
