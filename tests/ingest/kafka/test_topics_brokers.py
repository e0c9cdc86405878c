"""What only a real broker does: transactions, compaction, retention, topics made anew, more partitions, TLS."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from plugins.core.ledger import new_id
from tests.conftest import server_folder
from tests.ingest.kafka.broker import Broker
from tests.ingest.kafka.cluster import Topics
from tests.ingest.kafka.conftest import Streamed

pytestmark = pytest.mark.full


def transactional(stream: Streamed, name: str) -> Producer:
    options = {
        "bootstrap.servers": stream.topics.servers,
        "transactional.id": f"{name}-{new_id()}",
        "log_level": 0,
    }
    producer = Producer(options)
    producer.init_transactions(20)
    return producer


def test_only_committed_transactions_land(stream: Streamed) -> None:
    stream.topics.make(stream.topic)
    stream.read()
    for number, is_kept in ((1, True), (2, False), (3, True)):
        producer = transactional(stream, "p")
        producer.begin_transaction()
        producer.produce(stream.topic, b'{"id": %d}' % number)
        producer.flush(20)
        producer.commit_transaction(20) if is_kept else producer.abort_transaction(20)
    open_ = transactional(stream, "open")
    open_.begin_transaction()
    open_.produce(stream.topic, b'{"id": 4}')
    open_.flush(20)
    stream.load()
    assert stream.rows("id") == [(1,), (3,)]
    assert stream.load().outcome == "unchanged"
    open_.commit_transaction(20)
    stream.load()
    assert stream.rows("id") == [(1,), (3,), (4,)]


def test_messages_that_retention_took_are_told(stream: Streamed) -> None:
    stream.topics.make(stream.topic)
    stream.read()
    stream.put(*({"id": n} for n in range(3)))
    stream.load()
    stream.put(*({"id": n} for n in range(3, 8)))
    stream.topics.forget_before(stream.topic, 0, 6)
    result = stream.ingest()
    assert "no longer has offsets 3–5 of partition 0: 3 were deleted before they were read" in str(result.error)
    assert """--from '{"offsets": {"0": 6}}'""" in str(result.hint)
    code, told = stream.command("doctor")
    assert code == 1
    assert "no longer has offsets 3–5" in told
    result = stream.load(from_position='{"offsets": {"0": 6}}')
    assert result.notes == ("offsets 3–5 of partition 0 were passed over",)
    assert [n for (n,) in stream.rows("id")] == [0, 1, 2, 6, 7]
    # Read again, what the topic no longer has is kept.
    stream.load(reset=["s.t"])
    assert [n for (n,) in stream.rows("id")] == [0, 1, 2, 6, 7]


def test_a_topic_made_anew_is_no_continuation(stream: Streamed) -> None:
    stream.topics.make(stream.topic, 2)
    stream.read()
    stream.put({"id": 1}, {"id": 2})
    stream.put({"id": 3}, partition=1)
    stream.load()
    stream.topics.delete(stream.topic)
    stream.topics.make(stream.topic, 1)
    stream.put({"id": 4}, {"id": 5}, {"id": 6})
    result = stream.ingest()
    assert "was deleted and made anew" in str(result.error)
    stream.load(reset=["s.t"])
    stream.put({"id": 7})
    stream.load()
    stream.load(reset=["s.t"])
    assert sorted(stream.rows("id")) == [(n,) for n in range(1, 8)]
    assert stream.position()["offset:0"] == 4


def test_partitions_that_are_added_are_read_from_their_beginning(stream: Streamed) -> None:
    stream.topics.make(stream.topic)
    stream.read(start="latest")
    stream.put({"id": 1})
    stream.load()
    stream.topics.admin.create_partitions([NewPartitions(stream.topic, 3)])[stream.topic].result()
    stream.topics = Topics(stream.topics.servers)
    stream.put({"id": 2}, partition=2)
    stream.put({"id": 3})
    stream.load()
    assert stream.rows("id") == [(3,), (2,)]


def test_a_stream_may_begin_at_a_time_and_be_read_again_from_one(stream: Streamed) -> None:
    stream.topics.make(stream.topic, retention_ms="-1")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(6):
        stream.put({"id": n}, timestamp=int((at + timedelta(hours=n)).timestamp() * 1000))
    stream.read(start="2026-01-01T02:00:00Z")
    assert stream.load().rows_loaded == 4
    result = stream.load(from_position='{"timestamp": "2026-01-01T04:00:00Z"}')
    assert (result.rows_loaded, len(stream.places())) == (2, 4)
    # From further back than it began: the table is rebuilt from there.
    assert stream.load(reset=["s.t"]).rows_loaded == 6
    assert stream.places() == [(0, n) for n in range(6)]


def test_a_compacted_topic_is_read_past_its_gaps(stream: Streamed) -> None:
    settings = {"cleanup_policy": "compact", "segment_ms": "100", "min_cleanable_dirty_ratio": "0.01"}
    stream.topics.make(stream.topic, **settings, max_compaction_lag_ms="200")
    stream.read(["id"])
    for n in range(30):
        stream.put({"id": n % 3, "n": n}, key=str(n % 3))
    stream.put(None, key="0")
    stream.load()
    newest = "select id, n from (select * from bronze qualify row_number() over (partition by id order by "
    newest += "_smelt_batch_id desc, _smelt_source_position desc) = 1) where _smelt_op <> 'd' order by id"
    before = stream.bronze(newest)
    stream.load(reset=["s.t"])
    assert stream.bronze(newest) == before == [(1, 28), (2, 29)]
    assert len(stream.places()) == len(set(stream.places())) == 31


def authority(folder: Path) -> Path:
    """A certificate authority, and the broker's key and certificate by it, as PEM."""
    now = datetime.now(UTC)

    def key() -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def built(subject: str, public, issuer: str, signer, is_ca: bool) -> x509.Certificate:
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer)).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2)).add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .sign(signer, hashes.SHA256())
        )  # fmt: skip

    root, leaf = key(), key()
    pem = serialization.Encoding.PEM
    ca = built("ca", root.public_key(), "ca", root, True).public_bytes(pem)
    certificate = built("localhost", leaf.public_key(), "ca", root, False).public_bytes(pem)
    private = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(ca)
    (folder / "broker.pem").write_bytes(private + certificate + ca)
    return folder / "ca.pem"


LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule"
SECURED = """SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login} required;
"""


def test_over_tls_with_a_password_that_is_never_shown(project: Path) -> None:
    with server_folder() as folder:
        ca = authority(folder)
        broker = Broker(folder, SECURED.format(folder=folder, login=LOGIN))
        broker.start()
        try:
            stream = Streamed(project, Topics(broker.servers))
            stream.topics.make(stream.topic)
            stream.put({"id": 1})
            stream.connection["url"] = f"localhost:{broker.secure_port}"
            stream.read()
            secret = project / "password"
            options = {
                "security.protocol": "SASL_SSL", "ssl.ca.location": str(ca), "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "smelt", "sasl.password": f"file:{secret}",
            }  # fmt: skip
            lines = "".join(f'"{name}" = "{value}"\n' for name, value in options.items())
            with (project / "smelt.toml").open("a") as file:
                file.write(f"[connections.c.kafka.options]\n{lines}")
            secret.write_text("canary-wrong-0")
            code, told = stream.command("doctor")
            assert code == 1
            assert "refused" in told
            secret.write_text("canary-secret-1")
            code, fine = stream.command("ingest")
            assert code == 0
            assert stream.rows("id") == [(1,)]
            code, checked = stream.command("doctor")
            assert code == 0
            kept = b"".join(p.read_bytes() for p in project.rglob("*") if p.is_file() and p != secret)
            for canary in ("canary-secret-1", "canary-wrong-0"):
                assert canary not in told + fine + checked
                assert canary.encode() not in kept
            text = (project / "smelt.toml").read_text()
            (project / "smelt.toml").write_text(text.replace(str(ca), os.devnull))
            code, told = stream.command("doctor")
            assert code == 1
        finally:
            broker.kill()


def test_a_password_in_the_settings_is_refused(stream: Streamed) -> None:
    stream.read()
    with (stream.project / "smelt.toml").open("a") as file:
        file.write('[connections.c.kafka.options]\n"sasl.password" = "plain"\n')
    code, told = stream.command("ingest")
    assert code == 1
    assert "sasl.password is a secret, so it is a reference" in told
