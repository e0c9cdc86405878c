"""How far readers of the published catalog are behind a database that changes steadily, under `smelt watch`."""

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
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import psutil
import psycopg
from rich.console import Console
from rich.table import Table

import ingest
from bench.followed_project import new_project, published
from demo.postgres import start_server
from plugins.build import build
from plugins.core.settings import Settings, load_settings

RATES = (1_000, 5_000, 20_000)
SECONDS = float(os.environ.get("SMELT_BENCH_SECONDS", "30"))
_BATCH_SECONDS = 0.02
_LOOK_SECONDS = 0.2
_WARM_SECONDS = 5.0
# Of a hundred changes.
_UPDATES, _DELETES = 30, 10


@dataclass(frozen=True)
class Measured:
    """rate: changes a second that were really made. ages: seconds from a row's write to a reader's look, sorted.

    peak_mib: of the following process. equal: whether readers had the source's rows at the end.
    """

    wanted: int
    rate: float
    ages: np.ndarray
    peak_mib: float
    files: int
    equal: bool


def run(console: Console) -> None:
    """Each rate against a database, lake and catalog of its own, builds in the background included."""
    table = Table(
        title=f"Lag of readers under steady changes ({SECONDS:.0f} s each)", title_justify="left", box=None
    )
    for name in ("changes/s", "made/s", "p50 s", "p95 s", "max s", "peak MiB", "bronze files", "equal at the end"):
        table.add_column(name, justify="right")
    for rate in RATES:
        found = _measured(rate)
        quantiles = [f"{np.quantile(found.ages, q):.2f}" for q in (0.5, 0.95, 1.0)]
        table.add_row(
            f"{rate:,}", f"{found.rate:,.0f}", *quantiles, f"{found.peak_mib:,.0f}", f"{found.files:,}",
            "yes" if found.equal else "NO",
        )  # fmt: skip
    console.print(table)
    console.print("wanted: p95 under 5 s at 1,000 changes/s\n")


def _measured(rate: int) -> Measured:
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    server = start_server(folder / "pg")
    try:
        settings = new_source(folder / "project", server.dsn)
        return _followed(settings, server.dsn, rate)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def new_source(folder: Path, dsn: str) -> Settings:
    """A project that captures a table of 100,000 rows, loaded, built and published."""
    new_project(folder)
    for name in ("stg_shop__orders", "orders"):
        path = folder / "models" / "silver" / f"{name}.sql"
        path.write_text(path.read_text().replace("customer, ", "customer, written_at, ", 1))
    (folder / "shop.dsn").write_text(dsn)
    (folder / "smelt.toml").write_text('[connections.shop]\ntype = "postgres"\ndsn = "file:shop.dsn"\n')
    (folder / "sources" / "shop" / "source.yml").write_text(
        "kind: postgres\nconnection: shop\nowner: bench\nstreams:\n"
        "  - {name: orders, table: public.orders, sync_mode: cdc, primary_key: [id]}\n"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "create table orders (id bigint primary key, customer text, amount int, "
            "written_at timestamptz default clock_timestamp())"
        )
        connection.execute(
            "insert into orders select n, 'c' || n % 100, n % 1000 from generate_series(1, 100000) n"
        )
    settings = load_settings(folder)
    (result,) = ingest.run(settings)
    assert not result.error, result.error
    assert build(settings).published
    return settings


def _followed(settings: Settings, dsn: str, rate: int) -> Measured:
    command = [str(Path(sys.executable).with_name("smelt")), "watch", "--json"]
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(settings.project_dir)}
    stop = multiprocessing.Event()
    made = multiprocessing.Value("q", 0)
    with (settings.project_dir / "watch.out").open("w") as out:
        watch = subprocess.Popen(command, cwd=settings.project_dir, env=environment, stdout=out, stderr=out)
        try:
            until_following(settings)
            session = _session(watch.pid)
            writer = multiprocessing.Process(target=write_changes, args=(dsn, rate, stop, made))
            writer.start()
            started = time.monotonic()
            ages, peak = _ages(settings, session)
            stop.set()
            writer.join()
            took = time.monotonic() - started
            equal = is_equal(settings, dsn)
        finally:
            watch.send_signal(signal.SIGTERM)
            watch.wait()
    files = len(list((settings.local_root / "bronze" / "shop__orders" / "data").glob("*.parquet")))
    return Measured(rate, made.value / took, np.sort(ages), peak, files, equal)


def until_following(settings: Settings) -> None:
    """Wait for a watch that writes to `watch.out`."""
    output = settings.project_dir / "watch.out"
    while not any('"state": "following"' in line for line in output.read_text().splitlines()):
        time.sleep(0.1)


def _session(pid: int) -> psutil.Process:
    children = psutil.Process(pid).children()
    return next(child for child in children if "plugins.watch.session" in " ".join(child.cmdline()))


def _ages(settings: Settings, session: psutil.Process) -> tuple[np.ndarray, float]:
    """Ages of rows when a reader first saw them, looking every fifth of a second; and the peak of memory."""
    seen, peak, ages = None, 0.0, []
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        newer = f"where written_at > timestamptz '{seen}'" if seen else ""
        rows = published(settings, f"select written_at::varchar, epoch(written_at) from silver.orders {newer}")
        now = time.time()
        if rows:
            if seen and time.monotonic() - started > _WARM_SECONDS:
                ages.append(now - np.array([epoch for _, epoch in rows]))
            seen = max(text for text, _ in rows)
        peak = max(peak, session.memory_info().rss / 2**20)
        time.sleep(_LOOK_SECONDS)
    return np.concatenate(ages), peak


def is_equal(settings: Settings, dsn: str) -> bool:
    """Whether readers have the source's rows, which stand still, within a minute."""
    with psycopg.connect(dsn) as connection:
        wanted = connection.execute("select count(*), sum(id), sum(amount) from orders").fetchone()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if published(settings, "select count(*), sum(order_id), sum(amount) from silver.orders")[0] == wanted:
            return True
        time.sleep(0.2)
    return False


def write_changes(dsn: str, rate: int, stop: Event, made) -> None:
    """Inserts, updates and deletes in small transactions, `rate` rows a second."""
    each = max(int(rate * _BATCH_SECONDS), 1)
    updates, deletes = each * _UPDATES // 100, each * _DELETES // 100
    inserts = each - updates - deletes
    first = 100_001
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with psycopg.connect(dsn, autocommit=True) as connection:
        started = time.monotonic()
        while not stop.is_set():
            with connection.transaction():
                connection.execute(
                    "insert into orders (id, customer, amount) "
                    "select n, 'c' || n %% 100, n %% 1000 from generate_series(%s, %s) n",
                    [first, first + inserts - 1],
                )
                changed = connection.execute(
                    "update orders set amount = amount + 1, written_at = clock_timestamp() "
                    "where id between %s and %s",
                    [first - 3 * inserts, first - 3 * inserts + updates - 1],
                ).rowcount
                gone = connection.execute(
                    "delete from orders where id between %s and %s",
                    [first - 2 * inserts, first - 2 * inserts + deletes - 1],
                ).rowcount
            first += inserts
            made.value += inserts + changed + gone
            time.sleep(max(0.0, started + made.value / rate - time.monotonic()))
