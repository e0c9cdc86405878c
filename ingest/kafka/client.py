"""Clients of a Kafka cluster: their properties, with credentials resolved anew each time, and their errors."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingest.retry import Transient
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, resolve

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError
    from confluent_kafka.admin import AdminClient

PATIENCE_SECONDS = 10.0
# Where and how messages are read decides that none is lost; it is not for the connection to say.
_OURS = {
    "bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
    "enable.partition.eof", "isolation.level", "partition.assignment.strategy",
}  # fmt: skip
# A broker that is asked again only after a second (the default) starves a reader that is faster than the queue.
_SPEED = {"fetch.queue.backoff.ms": 5, "queued.min.messages": 1_000_000, "fetch.wait.max.ms": 100}
# Bytes that the client holds of all partitions together, before they are taken.
_QUEUED_BYTES = 96 * 2**20
_log = logging.getLogger("smelt.kafka")


@dataclass
class Cluster:
    """The brokers behind a connection. heard: what clients last complained of, with the code as its name."""

    settings: Settings
    connection: str
    heard: tuple[str, str] | None = None
    _options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_extra()
        found = self.settings.connection(self.connection)
        where = f"connections.{self.connection}"
        if not found.url:
            raise SmeltError(f"{where} has no url", f'add url = "broker:9092" to [{where}] in smelt.toml')
        self.servers = resolve(found.url, self.settings.project_dir, f"{where}.url")
        options = found.kafka.options
        if refused := sorted(_OURS & set(options)):
            raise SmeltError(f"{where}: {refused[0]} is Smelt's own to set", f"remove it from [{where}.kafka]")
        self._options = {
            name: resolve(value, self.settings.project_dir, f"{where}.kafka.{name}")
            for name, value in options.items()
        }

    @property
    def where(self) -> str:
        """For messages."""
        return f"connection {self.connection!r} ({self.servers})"

    def consumer(self, group: str, partitions: int) -> Consumer:
        """A consumer that reads what was committed, keeps no offset, and never chooses one by itself."""
        from confluent_kafka import Consumer

        return self._made(
            Consumer,
            {
                **speed(partitions),
                "topic.metadata.refresh.interval.ms": 30_000,
                # So long others wait for the partitions of a process that was killed.
                "session.timeout.ms": 15_000,
                **self._properties(),
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            },
        )

    def admin(self) -> AdminClient:
        """A client that asks about topics."""
        from confluent_kafka.admin import AdminClient

        return self._made(AdminClient, self._properties())

    def _properties(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.servers, **self._options, "error_cb": self._hear}

    def _made(self, kind: Any, properties: dict[str, Any]) -> Any:
        from confluent_kafka import KafkaException

        try:
            return kind(properties, logger=_log)
        except (KafkaException, ValueError) as error:
            told = str(error.args[0].str()) if isinstance(error, KafkaException) else str(error)
            raise SmeltError(
                f"{self.where}: {told}", f"correct [connections.{self.connection}.kafka] in smelt.toml"
            ) from error

    def _hear(self, error: KafkaError) -> None:
        # What all brokers being down means is told by the error before it.
        if error.name() != "_ALL_BROKERS_DOWN" or self.heard is None:
            self.heard = error.name(), error.str()

    def explained(self, error: KafkaError, doing: str) -> Exception:
        """`error` as what the user must mend, or as Transient if it may pass."""
        name, told = error.name(), error.str()
        if self.heard and name in {"_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN"}:
            name, told = self.heard
        if "AUTHORIZATION_FAILED" in name:
            return SmeltError(f"{self.where}: {doing}: {told}", "grant the user `Read` and `Describe` there")
        if name in {"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "_SSL"}:
            # A password may be changed on both sides one after the other: it is read anew with each attempt.
            return Transient(f"{self.where}: {doing}: refused: {told}")
        if name in {"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"}:
            return SmeltError(f"{self.where}: {doing}: there is no such topic", "create it, or correct `topic`")
        if error.fatal():
            return SmeltError(f"{self.where}: {doing}: {told}", "start again; nothing was lost")
        return Transient(f"{self.where}: {doing}: {told}")


def speed(partitions: int) -> dict[str, int]:
    """Properties of a consumer that is to be fast, and holds no more memory however many partitions it reads."""
    return {**_SPEED, "queued.max.messages.kbytes": max(1024, _QUEUED_BYTES // 1024 // max(1, partitions))}


def require_extra() -> None:
    """Raise SmeltError if the client isn't installed."""
    try:
        import confluent_kafka  # noqa: F401
    except ImportError as error:
        raise SmeltError(
            "reading Kafka needs a package that is not installed", "pip install 'smelt[kafka]'"
        ) from error
