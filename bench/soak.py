"""Half an hour of `smelt watch` under load: memory, files and snapshots must not grow with time.

SMELT_BENCH_SECONDS sets another length.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from bench.followed_project import published
from bench.watch import is_equal, new_source, until_following, write_changes
from demo.postgres import start_server
from plugins.core.lake import Lake
from plugins.core.settings import Settings

RATE = 1_000
SECONDS = float(os.environ.get("SMELT_BENCH_SECONDS", "1800"))
_ROWS = 10


@dataclass(frozen=True)
class Sample:
    """A look at the running watch. mib: resident memory of all its processes but the builder's, and the builder's.

    files: of the whole lake; bronze, snapshots: data files and snapshots of the followed table. age: seconds from
    the newest visible row's write to now.
    """

    seconds: float
    mib: float
    builder_mib: float
    files: int
    bronze: int
    snapshots: int
    age: float


def run(console: Console) -> None:
    """Follow a table that changes 1,000 times a second, builds included; a row for each tenth of the time."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    server = start_server(folder / "pg")
    try:
        settings = new_source(folder / "project", server.dsn)
        samples, made, equal = _soaked(settings, server.dsn)
        console.print(_table(samples))
        console.print(f"{made:,} changes; readers equal the source at the end: {'yes' if equal else 'NO'}\n")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _soaked(settings: Settings, dsn: str) -> tuple[list[Sample], int, bool]:
    command = [str(Path(sys.executable).with_name("smelt")), "watch", "--json"]
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(settings.project_dir)}
    stop, made = multiprocessing.Event(), multiprocessing.Value("q", 0)
    with (settings.project_dir / "watch.out").open("w") as out:
        watch = subprocess.Popen(command, cwd=settings.project_dir, env=environment, stdout=out, stderr=out)
        try:
            until_following(settings)
            writer = multiprocessing.Process(target=write_changes, args=(dsn, RATE, stop, made))
            writer.start()
            samples = _samples(settings, psutil.Process(watch.pid))
            stop.set()
            writer.join()
            return samples, made.value, is_equal(settings, dsn)
        finally:
            watch.send_signal(signal.SIGTERM)
            watch.wait()


def _samples(settings: Settings, watch: psutil.Process) -> list[Sample]:
    samples: list[Sample] = []
    started = time.monotonic()
    while (now := time.monotonic() - started) < SECONDS:
        samples.append(_look(settings, watch, now))
        time.sleep(min(5.0, SECONDS / 60))
    return samples


def _look(settings: Settings, watch: psutil.Process, now: float) -> Sample:
    sizes = {True: 0.0, False: 0.0}
    for process in [watch, *watch.children(recursive=True)]:
        try:
            is_builder = "plugins.watch.building" in " ".join(process.cmdline())
            sizes[is_builder] += process.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            continue  # a build's helper that has ended
    table = Lake(settings).table("bronze.shop__orders")
    ((age,),) = published(settings, "select epoch(now()) - epoch(max(written_at)) from silver.orders")
    files = sum(1 for path in settings.local_root.rglob("*") if path.is_file())
    bronze = len(list((settings.local_root / "bronze" / "shop__orders" / "data").glob("*.parquet")))
    return Sample(now, sizes[False], sizes[True], files, bronze, len(table.metadata.snapshots), age)


def _table(samples: list[Sample]) -> Table:
    table = Table(
        title=f"smelt watch at {RATE:,} changes/s: medians of each tenth of {SECONDS:,.0f} s",
        title_justify="left", box=None,
    )  # fmt: skip
    for name in ("until s", "MiB", "builder MiB", "files", "bronze files", "snapshots", "age s"):
        table.add_column(name, justify="right")
    for part in np.array_split(np.arange(len(samples)), min(_ROWS, len(samples))):
        some = [samples[n] for n in part]

        def median(name: str, some: list[Sample] = some) -> float:
            return float(np.median([getattr(sample, name) for sample in some]))

        counts = [f"{median(name):,.0f}" for name in ("mib", "builder_mib", "files", "bronze", "snapshots")]
        table.add_row(f"{some[-1].seconds:,.0f}", *counts, f"{median('age'):.1f}")
    return table
