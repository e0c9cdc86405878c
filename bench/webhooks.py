"""Webhooks: requests a second and their latency, durable before they are answered, beside a server without disk.

Sender and receiver share the machine. The disk's own limit, one fsync for each message, is beside it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
from rich.console import Console
from rich.table import Table

import ingest
from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace, scan_sql
from plugins.core.settings import load_settings

CONNECTIONS = (1, 64)
SECONDS = 6.0
_KEY = b"a secret of twenty-four b"
_SYNCS = 300
_KINDS = {"bare": "the same server, nothing stored", "smelt": "Smelt, spool", "filling": "Smelt, spool and bronze"}


@dataclass(frozen=True)
class Load:
    """What a sender saw. milliseconds: of each request, sorted. peak_mib: of the receiver."""

    accepted: int
    seconds: float
    milliseconds: list[float]
    peak_mib: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.accepted / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which so many requests were answered."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(len(self.milliseconds) * share))]


def run(console: Console) -> None:
    """Print requests a second by receiver and number of connections; raise if a message is missing in bronze."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    try:
        table = Table(title=f"Webhooks of 300 bytes, {SECONDS:.0f} s each", box=None, header_style="dim")
        for name in (
            "receiver",
            "connections",
            "requests/s",
            "of the limit",
            "p50 ms",
            "p99 ms",
            "peak MiB",
            "in bronze",
        ):
            table.add_column(name, justify="left" if name == "receiver" else "right")
        table.add_row("fdatasync after each of 300 bytes", "", f"{_bare_syncs(folder):,.0f}", "", "", "", "", "")
        for connections in CONNECTIONS:
            limit = 0.0
            for kind, title in _KINDS.items():
                project = _project(folder / f"{kind}-{connections}")
                load = _measured(kind, project, connections)
                limit = limit or load.rate
                landed = "" if kind == "bare" else f"{_landed(project, load.accepted):,}"
                table.add_row(
                    title, str(connections), f"{load.rate:,.0f}", f"{load.rate / limit:.2f}",
                    f"{load.percentile(0.5):.1f}", f"{load.percentile(0.99):.1f}", f"{load.peak_mib:,.0f}", landed,
                )  # fmt: skip
        console.print(table)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bare_syncs(folder: Path) -> float:
    handle = os.open(folder / "syncs", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    started = time.monotonic()
    for _ in range(_SYNCS):
        os.write(handle, b"x" * 300)
        os.fdatasync(handle)
    os.close(handle)
    return _SYNCS / (time.monotonic() - started)


def _project(folder: Path) -> Path:
    (folder / "sources" / "hooks").mkdir(parents=True)
    (folder / "secret").write_text("whsec_" + base64.b64encode(_KEY).decode())
    (folder / "smelt.toml").write_text(
        '[webhooks]\nport = 0\n[connections.hooks]\ntype = "webhooks"\nsecrets = { current = "file:secret" }\n'
    )
    (folder / "sources" / "hooks" / "source.yml").write_text(
        "kind: webhooks\nconnection: hooks\nowner: bench\n"
        "streams:\n  - {name: orders, webhook: {rate_limit: null}}\n"
    )
    return folder


def _measured(kind: str, project: Path, connections: int) -> Load:
    command = [sys.executable, "-m", "bench.webhooks_workers", kind, str(project)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = urlsplit(server.stdout.readline().strip())
        load = uvloop.run(_send(url.hostname or "", url.port or 0, connections))
        # The kernel's own high-water mark, in KiB.
        marks = dict(line.split(":", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
        return replace(load, peak_mib=int(marks["VmHWM"].split()[0]) / 1024)


async def _send(host: str, port: int, connections: int) -> Load:
    lanes = [_lane(host, port, lane) for lane in range(connections)]
    started = time.monotonic()
    times = sorted(took for lane in await asyncio.gather(*lanes) for took in lane)
    return Load(len(times), time.monotonic() - started, times)


async def _lane(host: str, port: int, lane: int) -> list[float]:
    """One connection: a request, its answer, the next request; milliseconds of each."""
    reader, writer = await asyncio.open_connection(host, port)
    times = []
    until = time.monotonic() + SECONDS
    while (sent := time.perf_counter()) and time.monotonic() < until:
        writer.write(_request(lane, len(times)))
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 202 " not in answer[:16]:
            raise RuntimeError(answer.decode())
        times.append((time.perf_counter() - sent) * 1000)
    writer.close()
    return times


def _request(lane: int, number: int) -> bytes:
    body = json.dumps(
        {"id": lane * 10_000_000 + number, "type": "order.paid", "amount": number * 1.01, "customer": f"c{lane}",
         "note": "x" * 150, "items": [{"sku": "A-1", "quantity": 2}], "paid": True}
    ).encode()  # fmt: skip
    at = str(int(time.time()))
    signature = base64.b64encode(
        hmac.digest(_KEY, f"m{lane}-{number}.{at}.".encode() + body, hashlib.sha256)
    ).decode()
    head = (
        f"POST /hooks/orders HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        f"webhook-id: m{lane}-{number}\r\n"
        f"webhook-timestamp: {at}\r\nwebhook-signature: v1,{signature}\r\n\r\n"
    )
    return head.encode() + body


def _landed(project: Path, accepted: int) -> int:
    """Rows in bronze once the spool is empty; raises RuntimeError if they aren't as many as were accepted."""
    settings = load_settings(project)
    ingest.run(settings)
    (pin,) = pin_namespace(Lake(settings), "bronze")
    row = duck.connect().execute(f"select count(*), count(distinct id) from {scan_sql(pin)}").fetchone()
    if row != (accepted, accepted):
        raise RuntimeError(f"{accepted} messages were accepted, and bronze has {row}")
    return accepted
