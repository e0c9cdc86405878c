"""Servers of test files that count what is asked of them: an S3 store (moto's), and a web server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server
from werkzeug.utils import send_file
from werkzeug.wrappers import Response

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Counting:
    """An app at a port of its own; `bytes`: of all bodies that it answered a GET with."""

    app: App
    certificate: tuple[Path, Path] | None = None
    bytes: int = 0

    def start(self) -> None:
        tls = tuple(map(str, self.certificate)) if self.certificate else None
        self._server = make_server("127.0.0.1", 0, self._counted, threaded=True, ssl_context=tls)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self._server.server_port}"

    def asked(self, work: Callable[[], Any]) -> int:
        """Bytes that `work` made the server send."""
        before = self.bytes
        work()
        return self.bytes - before

    def _counted(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def counted(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if environ["REQUEST_METHOD"] == "GET":
                self.bytes += int(dict(headers).get("Content-Length", 0))
            return start_response(status, headers, *more)

        return self.app(environ, counted)


def serve_s3(bucket: str) -> Counting:
    """moto's S3 with an empty bucket."""
    import boto3
    from moto.server import DomainDispatcherApplication, create_backend_app

    server = Counting(DomainDispatcherApplication(create_backend_app))
    server.start()
    boto3.client(
        "s3", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    ).create_bucket(Bucket=bucket)
    return server


def serve_folder(folder: Path, certificate: tuple[Path, Path] | None = None, token: str | None = None) -> Counting:
    """The files of a folder, with ranges and ETags as web servers give them; whoever has no token is refused."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if token and environ.get("HTTP_AUTHORIZATION") != f"Bearer {token}":
            return Response("who are you?", 401)(environ, start_response)
        file = folder / environ["PATH_INFO"].lstrip("/")
        if not file.is_file():
            return Response("there is no such file", 404)(environ, start_response)
        return send_file(file, environ, conditional=True)(environ, start_response)

    server = Counting(app, certificate)
    server.start()
    return server
