"""A Kafka broker, of which one topic is followed."""

from __future__ import annotations

import contextlib
import json
import time
from collections import defaultdict

from confluent_kafka import KafkaError, Message, Producer, admin

from tests.conftest import server_folder
from tests.faults.balance import Lanes
from tests.faults.histories.base import CARE, History, lanes
from tests.ingest.kafka.broker import Broker
from tests.ingest.kafka.cluster import Topics

PARTITIONS = 3
_TOPIC = "events"
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule"
# Clients that come with a password are told to come back through the proxy.
_SECURED = """SASL_PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{proxy}
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config={login} required;
group.min.session.timeout.ms=500
"""
# Or the partitions of an engine that was killed would wait for 15 s.
_OPTIONS = {
    "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "smelt",
    "sasl.password": "file:password", "session.timeout.ms": "1500", "heartbeat.interval.ms": "300",
    "reconnect.backoff.max.ms": "500",
}  # fmt: skip


class KafkaHistory(History):
    """Messages with keys over three partitions, from an idempotent producer; some can't be read."""

    kind = "kafka"
    failpoints = [
        "after-piece", "after-letters", "before-commit", "in-transaction", "after-commit", "after-stream-commit",
        "before-commit:2", "in-transaction:2", "after-commit:2", "after-stream-commit:2", "after-commit:3", *CARE,
    ]  # fmt: skip

    def prepare(self) -> None:
        self._folders = contextlib.ExitStack()
        folder = self._folders.enter_context(server_folder())
        self._broker = Broker(folder)
        self._broker.secured = _SECURED.format(plain=self._broker.port, proxy=self.proxy.port, login=_LOGIN)
        self.proxy.upstream = self._broker.secure_port
        self._broker.start()
        self.canaries.append("canary-secret-1")  # the broker's own, with which its storage is made
        self.keep("password", "canary-secret-1")
        Topics(self._broker.servers).make(_TOPIC, PARTITIONS)
        options = "".join(f'"{name}" = "{value}"\n' for name, value in _OPTIONS.items())
        self.declare(
            f'[connections.c]\ntype = "kafka"\nurl = "127.0.0.1:{self.proxy.port}"\n'
            f"[connections.c.kafka.options]\n{options}",
            kind="kafka",
            streams=[{"name": "t", "kafka": {"topic": _TOPIC}, "primary_key": ["id"], "schema_policy": "evolve"}],
        )
        self._sent: dict[int, dict[int, str]] = defaultdict(dict)
        self._next = 0
        self._producer = Producer({
            "bootstrap.servers": self._broker.servers, "enable.idempotence": True, "log_level": 0, "linger.ms": 1,
        })  # fmt: skip

    def step(self) -> None:
        """Some messages; the broker says what became of each."""
        for _ in range(self.chance.randint(1, 20)):
            self._next += 1
            key = self.chance.randint(1, 50)
            value = json.dumps({"id": key, "n": self._next})
            if self._next % 97 == 0:
                value = f"poison {self._next}"
            self._producer.produce(
                _TOPIC, value.encode(), key=str(key), partition=key % PARTITIONS, on_delivery=self._remember
            )
        assert self._producer.flush(100) == 0
        time.sleep(self.chance.uniform(0.0, 0.03))

    def written(self) -> Lanes:
        """By partition, in the order of offsets; what can't be read, by itself."""
        found: list[tuple[str, str]] = []
        for partition, messages in list(self._sent.items()):
            for offset, text in sorted(messages.copy().items()):
                if text.startswith("poison"):
                    found.append(("letters", f"t/{_TOPIC}/{partition}/{offset} {text}"))
                else:
                    found.append((f"{partition}", f"{offset} {text}"))
        return {lane: sorted(e) if lane == "letters" else e for lane, e in lanes(found).items()}

    def found(self) -> Lanes:
        rows = self.bronze(
            "select _smelt_partition, _smelt_offset, id, n from bronze "
            "order by _smelt_partition, _smelt_batch_id, _smelt_source_position",
            "s__t",
        )
        letters = self.bronze("select _smelt_source_position, raw from bronze order by 1", "s__dead_letters")
        told = [
            (f"{partition}", f"{offset} {json.dumps({'id': key, 'n': n})}") for partition, offset, key, n in rows
        ]
        return lanes([*told, *(("letters", f"{place} {raw.decode()}") for place, raw in letters)])

    def restart(self, *, is_crash: bool) -> None:
        self._broker.kill() if is_crash else self._broker.stop()
        self._broker.start()

    def rotate(self) -> None:
        password = f"canary-{self.chance.getrandbits(80):020x}"
        self.canaries.append(password)
        client = admin.AdminClient({"bootstrap.servers": self._broker.servers, "log_level": 0})
        scheme = admin.ScramCredentialInfo(admin.ScramMechanism.SCRAM_SHA_512, 4096)  # pyright: ignore[reportPrivateImportUsage]
        change = admin.UserScramCredentialUpsertion("smelt", scheme, password.encode())  # pyright: ignore[reportPrivateImportUsage]
        for done in client.alter_user_scram_credentials([change]).values():
            done.result()
        self.proxy.cut(with_reset=False)
        time.sleep(self.chance.uniform(0.2, 1.5))
        self.keep("password", password)

    def close(self) -> None:
        self._broker.kill()
        self._folders.close()

    def _remember(self, error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        partition, offset, value = message.partition(), message.offset(), message.value()
        assert partition is not None
        assert offset is not None
        assert value is not None
        self._sent[partition][offset] = value.decode()
