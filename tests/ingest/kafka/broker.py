"""A real Kafka broker of one node: its own jars from Maven Central, by checksum, kept between runs."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path

CENTRAL = "https://repo1.maven.org/maven2/"
JARS = Path(__file__).with_name("jars.txt")
_STORED = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "smelt-tests" / "kafka"
_SECONDS = 60.0
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.backoff.ms=200
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=100
"""


def jars() -> Path:
    """The folder of the jars; those that aren't there, or are broken, are fetched."""
    _STORED.mkdir(parents=True, exist_ok=True)
    for line in JARS.read_text().splitlines():
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


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@dataclass
class Broker:
    """One node in `folder`. secured: further listeners and their properties, by the port they take as `{port}`."""

    folder: Path
    secured: str = ""
    port: int = field(default_factory=free_port)
    secure_port: int = field(default_factory=free_port)
    _process: subprocess.Popen | None = None
    _controller: int = field(default_factory=free_port)

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the data that is there."""
        assert shutil.which("java"), (
            "Kafka needs Java 17 (Debian: default-jre-headless); `make test-full` installs it"
        )
        properties = self.folder / "server.properties"
        command = ["java", "-Xmx768m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*"]
        if not properties.exists():
            listeners = f"listeners=PLAINTEXT://{self.servers},CONTROLLER://127.0.0.1:{self._controller}"
            if self.secured:
                listeners += f",{self.secured.split()[0]}://127.0.0.1:{self.secure_port}"
            more = self.secured.partition("\n")[2]
            text = _PROPERTIES.format(controller=self._controller, folder=self.folder)
            properties.write_text(f"{text}\n{listeners}\n{more}\n")
            # One in 64 begins with a dash: after `-t` it would be read as another option.
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            form = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)]
            subprocess.run([*command, *form, *self._users()], check=True, capture_output=True)
        log = (self.folder / "broker.log").open("ab")
        self._process = subprocess.Popen([*command, "kafka.Kafka", str(properties)], stdout=log, stderr=log)
        self._wait()

    def _users(self) -> list[str]:
        """SCRAM users are made with the storage."""
        if "SCRAM" not in self.secured:
            return []
        return ["--add-scram", "SCRAM-SHA-512=[name=smelt,password=canary-secret-1]"]

    def _wait(self) -> None:
        from confluent_kafka.admin import AdminClient

        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            assert self._process
            assert self._process.poll() is None, (self.folder / "broker.log").read_text()[-3000:]
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.2):
                    AdminClient({"bootstrap.servers": self.servers, "log_level": 0}).list_topics(timeout=10)
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("Kafka didn't start")

    def stop(self) -> None:
        """As its administrator would: it writes down what it has."""
        if self._process:
            self._process.terminate()
            self._process.wait(_SECONDS)

    def kill(self) -> None:
        """As a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait()
