"""HTTPS, with and without certificates of senders."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.ingest.webhooks.conftest import signed

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make certificates"),
]


def _certificate(folder, name: str) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def _serve(hooks, *lines: str):
    toml = hooks.project / "smelt.toml"
    added = "\n".join(['tls_certificate = "server.pem"', 'tls_key = "server.key"', *lines])
    toml.write_text(toml.read_text().replace("port = 0\n", f"port = 0\n{added}\n"))
    return hooks.serve()


def _post(url: str, context: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=10, context=context)
    connection.request("POST", "/s/t", b"{}", signed(b"{}", "msg_1"))
    return connection.getresponse().status


def test_https(hooks) -> None:
    _certificate(hooks.project, "server")
    sender = _serve(hooks)
    assert sender.url.startswith("https://")
    assert _post(sender.url, ssl.create_default_context(cafile=hooks.project / "server.pem")) == 202
    with pytest.raises((http.client.HTTPException, OSError)):
        sender.send({"id": 1})  # in plain HTTP


def test_senders_must_show_a_certificate_where_that_is_demanded(hooks) -> None:
    for name in ("server", "sender"):
        _certificate(hooks.project, name)
    sender = _serve(hooks, 'tls_client_ca = "sender.pem"')
    context = ssl.create_default_context(cafile=hooks.project / "server.pem")
    with pytest.raises((http.client.HTTPException, OSError)):
        _post(sender.url, context)
    context.load_cert_chain(hooks.project / "sender.pem", hooks.project / "sender.key")
    assert _post(sender.url, context) == 202


def test_a_certificate_that_is_not_there_is_told(hooks) -> None:
    toml = hooks.project / "smelt.toml"
    toml.write_text(toml.read_text().replace("port = 0\n", 'port = 0\ntls_certificate = "no.pem"\n'))
    code, said = hooks.command("webhooks", "serve")
    assert code == 1
    assert "there is no file" in said
