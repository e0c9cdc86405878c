"""Starts, stops and looks at the three source systems; idempotent, and safe to call twice at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from demo import returns, shop
from demo.postgres import running_dsn, start_server, stop_server
from plugins.core.errors import SmeltError

_SHOP_PORT, _API_PORT = 54320, 54321
_API_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class SourceStatus:
    """One source system: what it is, where it is reached, what it holds."""

    name: str
    kind: str
    where: str
    contents: str
    healthy: bool


def up(project_dir: Path) -> list[SourceStatus]:
    """Start and fill what isn't there yet. Raises SmeltError if something cannot be started."""
    state = _state(project_dir)
    with FileLock(state / "lock", timeout=300):
        server = start_server(state / "postgres", port=_SHOP_PORT)
        shop.fill(server.dsn)
        _write_secret(state / "shop.dsn", server.dsn)
        returns.fill(state / "drop" / "returns")
        _start_api(state)
    return status(project_dir)


def down(project_dir: Path, wipe: bool = False) -> None:
    """Stop the servers; with `wipe`, forget their data too."""
    state = _state(project_dir)
    with FileLock(state / "lock", timeout=300):
        stop_server(state / "postgres")
        _stop_api(state)
        for name in ("shop.dsn", "ecb.url"):
            (state / name).unlink(missing_ok=True)
    if wipe:
        shutil.rmtree(state)


def status(project_dir: Path) -> list[SourceStatus]:
    """What each source system is and whether it answers."""
    state = _state(project_dir)
    dsn = running_dsn(state / "postgres")
    folder = state / "drop" / "returns"
    files = len(list(folder.glob("returns_*.csv"))) if folder.is_dir() else 0
    url = _api_url(state)
    return [
        SourceStatus(
            "shop", "PostgreSQL", dsn.split("@")[1].split("/")[0] if dsn else "", "4 tables", dsn is not None
        ),
        SourceStatus("returns", "files", str(folder), f"{files} files", files > 0),
        SourceStatus("ecb", "HTTP API", url.removeprefix("http://") if url else "", "1 stream", url is not None),
    ]


def _state(project_dir: Path) -> Path:
    state = project_dir / ".smelt" / "demo"
    state.mkdir(parents=True, exist_ok=True)
    return state


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _api_url(state: Path) -> str | None:
    """The API's URL if the process we started answers there.

    Another project's API may have taken the port of one of ours that died: hence the process id.
    """
    try:
        url, pid = (state / "ecb.url").read_text(), int((state / "ecb.pid").read_text())
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310 - our own loopback URL
            return url if json.load(answer) == {"status": "ok", "pid": pid} else None
    except (OSError, ValueError, urllib.error.URLError):
        return None


def _start_api(state: Path) -> None:
    if _api_url(state):
        return
    (state / "ecb.url").unlink(missing_ok=True)
    with (state / "ecb.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.rates_api", str(_API_PORT), str(state / "ecb.url")],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # it outlives this process
        )
    (state / "ecb.pid").write_text(str(process.pid))
    deadline = time.monotonic() + _API_PATIENCE_SECONDS
    while not _api_url(state):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SmeltError("the demo's rates API did not start", f"see {state / 'ecb.log'}")
        time.sleep(0.05)


def _stop_api(state: Path) -> None:
    """Stop the API if it answers; the pid of one that doesn't may belong to somebody else by now."""
    if _api_url(state):
        os.kill(int((state / "ecb.pid").read_text()), signal.SIGTERM)
    (state / "ecb.pid").unlink(missing_ok=True)
