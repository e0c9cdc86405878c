"""Topics of a cluster, written to as applications would; and a registry of schemas that speaks its protocol."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic


@dataclass
class Topics:
    """Makes topics and writes to them."""

    servers: str

    def __post_init__(self) -> None:
        options = {"bootstrap.servers": self.servers, "log_level": 0}
        self.admin = AdminClient(options)
        self.producer = confluent_kafka.Producer({**options, "linger.ms": 2, "enable.idempotence": True})

    def make(self, name: str, partitions: int = 1, **settings: str) -> str:
        """A new topic, also where one of this name was just deleted."""
        config = {key.replace("_", "."): value for key, value in settings.items()}
        for attempt in range(50):
            try:
                self.admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result()
                break
            except KafkaException:
                assert attempt < 49
                time.sleep(0.1)
        return name

    def delete(self, name: str) -> None:
        self.admin.delete_topics([name])[name].result()

    def forget_before(self, name: str, partition: int, offset: int) -> None:
        """What retention does."""
        place = TopicPartition(name, partition, offset)
        self.admin.delete_records([place])[place].result()

    def put(
        self, name: str, *values: Any, key: str | bytes | None = None, partition: int = 0, **more: Any
    ) -> None:
        """Write values (JSON, but for bytes and None), and wait until they are there."""
        for value in values:
            raw = value if isinstance(value, bytes | type(None)) else json.dumps(value).encode()
            self.producer.produce(name, raw, key=key, partition=partition, **more)
        assert self.producer.flush(30) == 0


@dataclass
class Registry:
    """A schema registry on the loopback. requests: paths that were asked for."""

    schemas: dict[int, dict[str, Any]] = field(default_factory=dict)
    subjects: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    status: int = 200

    def __post_init__(self) -> None:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.requests.append(self.path)
                parts = self.path.strip("/").split("/")
                if parts[:2] == ["schemas", "ids"]:
                    found = registry.schemas.get(int(parts[2]))
                else:
                    found = registry.subjects.get(f"{parts[1]}/{parts[3]}")
                status = registry.status if registry.status != 200 else 200 if found else 404
                body = json.dumps(found if status == 200 else {"error_code": 40403, "message": "none"}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def register(self, schema_id: int, schema: Any, kind: str = "AVRO", references: tuple[str, ...] = ()) -> bytes:
        """Answer with `schema` for `schema_id`; returns what stands before its values."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        named = [{"name": name, "subject": name, "version": 1} for name in references]
        self.schemas[schema_id] = {"schema": text, "schemaType": kind, "references": named}
        return b"\0" + schema_id.to_bytes(4, "big")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
