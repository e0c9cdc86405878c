"""A program that speaks the Airbyte protocol: started, listened to, ended. It may be broken or hostile.

Its configuration, with the secrets, is in files of a folder that nobody else can read, never among its arguments.
Source: https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

from ingest.spec.connector import ConnectorSpec
from plugins.core.errors import SmeltError
from plugins.core.settings import mask

_INHERITED = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "DOCKER_HOST", "DOCKER_CONFIG", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
    "no_proxy",
)  # fmt: skip
_LONGEST_LINE = 32 * 2**20
_ERROR_BYTES, _KEPT_ERRORS = 4 * 2**10, 20
_END_SECONDS = 5.0


class Connector:
    """One program with its configuration. folder: private, and emptied by the caller."""

    def __init__(self, spec: ConnectorSpec, name: str, folder: Path, config: Mapping[str, Any]) -> None:
        self._spec, self._name, self._folder = spec, name, folder
        folder.chmod(0o700)
        self._config = self._file("config.json", config)

    def check(self) -> None:
        """Raises SmeltError if the connector says that it can't reach its source."""
        for message in self._messages("check", "--config", self._config):
            status = message.get("connectionStatus")
            if message.get("type") == "CONNECTION_STATUS" and isinstance(status, Mapping):
                if status.get("status") != "SUCCEEDED":
                    raise self._failed(str(status.get("message") or "the check failed"))
                return
        raise self._failed("it did not say whether the check succeeded")

    def discover(self) -> Sequence[Mapping[str, Any]]:
        """The streams that it has, as its catalog describes them."""
        for message in self._messages("discover", "--config", self._config):
            catalog = message.get("catalog")
            if message.get("type") == "CATALOG" and isinstance(catalog, Mapping):
                streams = catalog.get("streams")
                if isinstance(streams, list) and all(isinstance(s, Mapping) and s.get("name") for s in streams):
                    return streams
        raise self._failed("it did not say which streams it has")

    def read(self, catalog: Mapping[str, Any], state: Any) -> Generator[Mapping[str, Any], None, None]:
        """Its messages while it reads; raises SmeltError at the end if it failed."""
        arguments = ["--config", self._config, "--catalog", self._file("catalog.json", catalog)]
        if state is not None:
            arguments += ["--state", self._file("state.json", state)]
        yield from self._messages("read", *arguments)

    def _file(self, name: str, content: Any) -> str:
        """Write a private file; returns its path as the program sees it."""
        path = self._folder / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as file:
            file.write(orjson.dumps(content))
        return f"{self._spec.folder.rstrip('/')}/{name}" if self._spec.folder else str(path)

    def _messages(self, *arguments: str) -> Iterator[Mapping[str, Any]]:
        """Messages of one run. What is none is passed over; an error that it tells is raised when it ends."""
        command = [part.replace("{folder}", str(self._folder)) for part in self._spec.command]
        told = ""
        with self._running([*command, *arguments]) as (process, errors):
            for line in self._lines(process):
                message = _parsed(line)
                if message is None:
                    continue
                told = _told(message) or told
                yield message
            try:
                code = process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                raise self._failed("it said everything, and did not end") from None
        if code or told:
            last = errors[-1].decode("utf-8", "replace").strip() if errors else ""
            raise self._failed(told or last or f"it ended with code {code}")

    @contextlib.contextmanager
    def _running(self, command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], deque[bytes]]]:
        """The program, and the last lines that it writes to standard error."""
        environment = {n: os.environ[n] for n in (*_INHERITED, *self._spec.environment) if n in os.environ}
        try:
            process = subprocess.Popen(
                command, env=environment, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise SmeltError(
                f"{self._name}: {command[0]} cannot be started: {error.strerror}",
                "install it, or correct airbyte.command in source.yml",
            ) from error
        errors: deque[bytes] = deque(maxlen=_KEPT_ERRORS)
        assert process.stderr is not None
        thread = threading.Thread(target=_keep_last, args=(process.stderr, errors), daemon=True)
        thread.start()
        try:
            yield process, errors
        finally:
            _end(process)
            thread.join(_END_SECONDS)

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        """Lines of its standard output. Raises SmeltError if one is too long, or none comes for too long."""
        silence = self._spec.silence.total_seconds()
        assert process.stdout is not None
        handle = process.stdout.fileno()
        parts: list[bytes] = []
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            while True:
                if not selector.select(silence):
                    raise self._failed(f"it said nothing for {silence:,.0f} s, and was ended")
                chunk = os.read(handle, 2**20)
                if not chunk:
                    break
                *whole, rest = chunk.split(b"\n")
                if whole:
                    yield b"".join([*parts, whole[0]])
                    yield from whole[1:]
                    parts = []
                parts.append(rest)
                if sum(map(len, parts)) > _LONGEST_LINE:
                    raise self._failed(f"it wrote a line of more than {_LONGEST_LINE:,} bytes")
        yield b"".join(parts)

    def _failed(self, reason: str) -> SmeltError:
        first = next((line for line in reason.splitlines() if line.strip()), "no reason given")
        return SmeltError(
            f"{self._name}: the connector {Path(self._spec.command[0]).name} failed: {mask(first.strip())[:300]}",
            "check `config` in source.yml and the connection's secrets; `smelt doctor` asks the connector itself",
        )


def _keep_last(stream: IO[bytes], errors: deque[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError):
        while line := stream.readline(_ERROR_BYTES):
            if line.strip():
                errors.append(line)


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    """A message, or None: connectors also print what isn't one."""
    try:
        message = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None


def _told(message: Mapping[str, Any]) -> str:
    """The error that a message tells, or ""."""
    trace = message.get("trace")
    if message["type"] == "TRACE" and isinstance(trace, Mapping):
        error, status = trace.get("error"), trace.get("stream_status")
        if isinstance(error, Mapping):
            return str(error.get("message") or error.get("internal_message") or "an error without a message")
        if isinstance(status, Mapping) and status.get("status") == "INCOMPLETE":
            return "it did not read the stream to its end"
    log = message.get("log")
    if message["type"] == "LOG" and isinstance(log, Mapping) and log.get("level") == "FATAL":
        return str(log.get("message") or "")
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started: politely, then not."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()
