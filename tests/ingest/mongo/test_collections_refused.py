"""What a person must mend is said in one message; credentials are nowhere."""

from __future__ import annotations

import datetime
import re
import ssl
import sys
from pathlib import Path

import pytest

from ingest.health import examine
from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from tests.ingest.mongo.conftest import Collected, url
from tests.ingest.mongo.wire import Refused, Wire

CANARY = "canary/secret:1"
ENCODED = "canary%2Fsecret%3A1"


def test_a_standalone_has_no_change_streams(shop) -> None:
    shop.insert({"_id": 1})
    shop.replica.name = None
    shop.connection["url"] = shop.connection["url"].replace("replicaSet=rs0&", "")
    shop.read()
    result = shop.ingest()
    assert "standalone" in (result.error or "")
    assert "rs.initiate()" in (result.hint or "")
    found = next(one for one in examine(load_settings(shop.project)) if one.what.startswith("s "))
    assert not found.is_healthy
    assert "rs.initiate()" in (found.fix or "")


@pytest.mark.full
def test_what_is_not_there_or_may_not_be_read(shop) -> None:
    shop.read()
    assert "there is no collection shop.t" in (shop.ingest().error or "")
    shop.insert({"_id": 1})
    shop.replica.views.add("t")
    assert "is a view" in (shop.ingest().error or "")
    shop.replica.views.clear()
    shop.replica.failures += [("aggregate", Refused(13, "not authorized on shop to execute command"))]
    result = shop.ingest()
    assert "not authorized" in (result.error or "")
    assert "role `read`" in (result.hint or "")
    shop.connection["url"] = shop.connection["url"].replace("/shop?", "/?")
    shop.read()
    assert "in which database" in (shop.ingest().error or "")
    shop.connection["url"] = "mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=200&unheardOf=1"
    shop.read()
    assert "127.0.0.1:1" in (shop.ingest().error or "")


@pytest.mark.full
def test_a_majority_that_is_away_is_told(shop, monkeypatch) -> None:
    monkeypatch.setattr("ingest.mongo.ingesting._STUCK_SECONDS", 0.5)
    shop.insert({"_id": 1})
    shop.read()
    shop.load()
    shop.replica.majority = shop.replica.oplog[-1].at
    shop.insert({"_id": 2})
    assert "a majority" in (shop.ingest().error or "")
    shop.replica.majority = None
    shop.load()
    assert shop.state("_id") == [("1",), ("2",)]


def test_the_driver_is_an_extra(shop, monkeypatch) -> None:
    shop.insert({"_id": 1})
    shop.read()
    monkeypatch.setitem(sys.modules, "pymongo", None)
    assert "pip install 'smelt[mongo]'" in (shop.ingest().hint or "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("primary_key: [sku]", "leave primary_key away"),
        ("mongo: {columns: {a: text}}", "is none of"),
        ("mongo: {columns: {_id: double}}", "either varchar or bigint"),
    ],
)
def test_wrong_specs_are_told(shop, change: str, told: str) -> None:
    shop.read()
    source = shop.project / "sources" / "s" / "source.yml"
    source.write_text(f"kind: mongodb\nconnection: c\nowner: tests\nstreams:\n  - {{name: t, {change}}}\n")
    with pytest.raises(SmeltError, match=re.escape(told)):
        shop.ingest()


@pytest.mark.full
def test_credentials_are_read_anew_and_never_told(project: Path, replica) -> None:
    """First they are in the URL; renewed, in a file of their own."""
    wire = Wire(replica, password=CANARY)
    wire.start()
    replica.me = f"127.0.0.1:{wire.port}"
    replica.insert("shop", "t", {"_id": 1})
    shop = Collected(project, replica, wire)
    shop.connection["url"] = "file:mongo.url"
    (project / "mongo.url").write_text(f"{url(wire, f'smelt:{ENCODED}@')}&authSource=admin")
    shop.read()
    code, printed = shop.command("ingest")
    assert code == 0, printed
    wire.password = "another/secret"
    wire.cut()
    failed_code, failed = shop.command("ingest")
    assert failed_code != 0
    assert "Authentication failed" in failed
    (project / "mongo.url").write_text(f"{url(wire)}&authSource=admin")
    (project / "mongo.password").write_text("another/secret")
    with (project / "smelt.toml").open("a") as file:
        file.write('[connections.c.mongo]\nuser = "smelt"\npassword = "file:mongo.password"\n')
    replica.insert("shop", "t", {"_id": 2})
    assert shop.command("ingest")[0] == 0
    assert shop.state("_id") == [("1",), ("2",)]
    told = printed + failed + shop.command("doctor")[1]
    kept = [path.read_bytes() for path in (project / "lake").rglob("*") if path.is_file()]
    told += "".join(found.decode(errors="replace") for found in kept)
    for secret in (CANARY, ENCODED, "another/secret"):
        assert secret not in told
    wire.stop()


@pytest.mark.full
def test_certificates_are_looked_at(project: Path, replica) -> None:
    certificate, key = certified(project)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    wire = Wire(replica, tls=context)
    wire.start()
    replica.me = f"127.0.0.1:{wire.port}"
    replica.insert("shop", "t", {"_id": 1})
    shop = Collected(project, replica, wire)
    shop.connection["url"] = f"{url(wire)}&serverSelectionTimeoutMS=500"

    def encrypted(**options: str) -> str | None:
        shop.read()
        with (project / "smelt.toml").open("a") as file:
            file.write("[connections.c.mongo.options]\n")
            file.writelines(f'{name} = "{value}"\n' for name, value in options.items())
        return shop.ingest().error

    assert "127.0.0.1" in (encrypted(tls="false") or "")
    assert "CERTIFICATE_VERIFY_FAILED" in (encrypted(tls="true") or "")
    assert encrypted(tls="true", tlsCAFile=certificate.name) is None
    assert shop.state("_id") == [("1",)]
    wire.stop()


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signed itself, and its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, secret = folder / "mongo.pem", folder / "mongo.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(*encoding))
    return certificate, secret
