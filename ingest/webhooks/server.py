"""`smelt webhooks serve`: an HTTP server for all webhook sources of a project, and a process that fills bronze.

Bronze is filled in a process of its own, which shares neither interpreter nor memory with the one that answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from filelock import Timeout

from ingest.spec import SourceSpec, load_sources
from ingest.webhooks.journal import Journal
from ingest.webhooks.receiver import Inbox, Limiter, application, path_of, webhook_of
from ingest.webhooks.secrets import SecretRing
from ingest.webhooks.spool import Spool, spool_of
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings

_STOP_SECONDS = 60
_BACKLOG = 2048
_Waiter = asyncio.Future[None]


class _Server(uvicorn.Server):
    """Ends where it was run, when it is asked to: uvicorn's own sends the signal again, which ends us half-way."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT; the second SIGINT doesn't wait for requests."""
        before = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)


@dataclass(frozen=True)
class Listening:
    """What is received where: the server's URL, and the path of each stream (`source.stream`)."""

    url: str
    paths: dict[str, str]


def webhook_sources(settings: Settings, names: Sequence[str]) -> list[SourceSpec]:
    """The sources of webhooks that are named, or all. Raises SmeltError if there is none."""
    sources = {source.name: source for source in load_sources(settings.project_dir) if source.kind == "webhooks"}
    for name in names:
        if name not in sources:
            known = ", ".join(sources) or "none"
            raise SmeltError(f"there is no source of webhooks called {name!r} (known: {known})")
    if not sources:
        raise SmeltError(
            "there is no source with `kind: webhooks`", "declare one: docs/how-to/receive-webhooks.md shows how"
        )
    return [source for name, source in sources.items() if not names or name in names]


def serve(
    settings: Settings, names: Sequence[str], *, fills_bronze: bool, on_start: Callable[[Listening], None]
) -> None:
    """Receive until SIGTERM or SIGINT; then finish what was begun. Raises SmeltError.

    fills_bronze: whether what is accepted is moved to bronze here, too; else `smelt watch` or `ingest` does it.
    """
    sources = webhook_sources(settings, names)
    with contextlib.ExitStack() as stack:
        handle = stack.enter_context(_bound(settings))
        spools = {source.name: spool_of(settings, source) for source in sources}
        for source in sources:
            stack.enter_context(_exclusive(spools[source.name], source))
        if fills_bronze:
            # Begun first and ended last: what the journals complete at their end is moved, too.
            stack.enter_context(_filling(settings, list(spools)))
        inboxes: dict[str, Inbox] = {}
        journals = {}
        for source in sources:
            journals[source.name] = Journal[_Waiter](spools[source.name], source, _settle)
            stack.callback(journals[source.name].close)
            _add_inboxes(inboxes, settings, source, journals[source.name])
        server = _server(settings, application(inboxes, lambda: _health(journals)))
        paths = {
            f"{source.name}.{stream.name}": path_of(source, stream)
            for source in sources
            for stream in source.streams
        }
        on_start(Listening(_url(settings, handle), paths))
        # The interpreter hands over between threads often: a journal that the disk has answered shouldn't wait.
        sys.setswitchinterval(0.001)
        server.run(sockets=[handle])


def _add_inboxes(
    inboxes: dict[str, Inbox], settings: Settings, source: SourceSpec, journal: Journal[_Waiter]
) -> None:
    for stream in source.streams:
        webhook = webhook_of(stream)
        secrets = SecretRing(settings, source, webhook)
        limiter = Limiter(webhook.rate_limit) if webhook.rate_limit else None
        path = path_of(source, stream)
        if path in inboxes:
            raise SmeltError(f"{path} is the path of two streams", "give one of them another `webhook: {path: …}`")
        inboxes[path] = Inbox(stream, secrets, journal.offer, limiter)


def _settle(waiters: Sequence[_Waiter], error: Exception | None) -> None:
    """From the journal's thread: wake the requests, all of them in one go."""
    with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever asked
        waiters[0].get_loop().call_soon_threadsafe(_wake, waiters, error)


def _wake(waiters: Sequence[_Waiter], error: Exception | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)


def _health(journals: dict[str, Journal[_Waiter]]) -> dict[str, Any]:
    refusals = {name: str(journal.refusal) for name, journal in journals.items() if journal.refusal}
    return {"status": "refusing" if refusals else "accepting", "refusals": refusals}


@contextlib.contextmanager
def _exclusive(spool: Spool, source: SourceSpec) -> Iterator[None]:
    spool.make()
    try:
        with spool.server_lock:
            yield
    except Timeout as error:
        raise SmeltError(
            f"{source.name} is received by another process already", "stop that one, or name other sources"
        ) from error


@contextlib.contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    host, port = settings.webhooks.host, settings.webhooks.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    handle = socket.socket(family, socket.SOCK_STREAM)
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        handle.bind((host, port))
        # From here on senders are queued, not refused.
        handle.listen(_BACKLOG)
    except OSError as error:
        handle.close()
        raise SmeltError(
            f"{host}:{port} cannot be listened at: {error.strerror}",
            "choose another with --port, or `port` in [webhooks] of smelt.toml",
        ) from error
    with contextlib.closing(handle):
        yield handle


def _url(settings: Settings, handle: socket.socket) -> str:
    host, port = handle.getsockname()[:2]
    scheme = "https" if settings.webhooks.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _server(settings: Settings, app: Any) -> _Server:
    chosen, folder = settings.webhooks, settings.project_dir
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", lifespan="off", log_level="warning", access_log=False,
        server_header=False, timeout_graceful_shutdown=_STOP_SECONDS, forwarded_allow_ips=chosen.proxies,
        backlog=_BACKLOG,
        ssl_certfile=_existing(folder, chosen.tls_certificate),
        ssl_keyfile=_existing(folder, chosen.tls_key),
        ssl_ca_certs=_existing(folder, chosen.tls_client_ca),
        ssl_cert_reqs=ssl.CERT_REQUIRED if chosen.tls_client_ca else ssl.CERT_NONE,
    )  # fmt: skip
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SmeltError(
            f"the certificate or its key cannot be used: {error}", "check tls_… in [webhooks] of smelt.toml"
        ) from error
    return _Server(config)


def _existing(folder: Path, name: str | None) -> str | None:
    if name is None:
        return None
    if not (folder / name).is_file():
        raise SmeltError(f"there is no file {folder / name}", "correct tls_… in [webhooks] of smelt.toml")
    return str(folder / name)


@contextlib.contextmanager
def _filling(settings: Settings, names: Sequence[str]) -> Iterator[None]:
    """A process that moves what is accepted to bronze until its standard input ends: also if we are killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest.webhooks.filling", *names],
        stdin=subprocess.PIPE,
        env={**os.environ, "SMELT_PROJECT_DIR": str(settings.project_dir)},
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
