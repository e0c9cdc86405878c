"""A Kafka topic → bronze, against a consumer that does nothing with the messages."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Cost, measure, python
from tests.ingest.kafka.broker import Broker

EVENTS, PARTITIONS, REPEATS = 2_000_000, 4, 3
_TOPIC = "orders"


def run(console: Console) -> None:
    """Each contestant reads the same topic from its beginning, in turn; print the best of each."""
    if shutil.which("java") is None:
        console.print("Kafka was not measured: there is no Java (Debian: default-jre-headless)")
        return
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    (folder / "broker").mkdir()
    broker = Broker(folder / "broker")
    broker.start()
    try:
        _measured("write", broker.servers, folder, EVENTS)
        costs: dict[str, list[Cost]] = {}
        for n in range(REPEATS):
            for name in ("bare", "tuned", "smelt"):
                project = _project(folder / f"{n}", broker.servers)
                costs.setdefault(name, []).append(_measured(name, broker.servers, project, EVENTS))
        console.print(_table({name: min(found, key=lambda cost: cost.wall) for name, found in costs.items()}))
        part = _measured("part", broker.servers, _project(folder / "part", broker.servers), EVENTS // 4)
        whole = min(costs["smelt"], key=lambda cost: cost.peak_mib)
        console.print(
            f"memory: {part.peak_mib:,.0f} MiB for {EVENTS // 4:,} events, "
            f"{whole.peak_mib:,.0f} MiB for {EVENTS:,}"
        )
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _measured(name: str, servers: str, folder: Path, events: int) -> Cost:
    return measure(python("-m", "bench.kafka_workers", name, servers, _TOPIC, str(folder), str(events)))


def _project(folder: Path, servers: str) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "sources" / "bench"
    source.mkdir(parents=True)
    (folder / "smelt.toml").write_text(f'[connections.bench]\ntype = "kafka"\nurl = "{servers}"\n')
    (source / "source.yml").write_text(
        "kind: kafka\nconnection: bench\nowner: bench\nstreams:\n"
        f"  - {{name: orders, kafka: {{topic: {_TOPIC}}}, primary_key: [order_id]}}\n"
    )
    return folder


def _table(best: dict[str, Cost]) -> Table:
    table = Table(title=f"Kafka → bronze, {EVENTS:,} JSON events in {PARTITIONS} partitions, best of {REPEATS}")
    for column in ("", "wall s", "events/s", "CPU s", "peak MiB", "smelt against it", "wanted"):
        table.add_column(column, justify="left" if not column else "right")
    smelt = best["smelt"]
    for name, label, wanted in (
        ("bare", "confluent-kafka, consume() in a loop, as it comes", "≥ 0.50 ×"),
        ("tuned", "the same, with Smelt's settings of the client (limit)", "≥ 0.50 ×"),
        ("smelt", "smelt ingest: typed, in Parquet, committed", ""),
    ):
        cost = best[name]
        ratio = "" if name == "smelt" else f"{cost.wall / smelt.wall:.2f} ×"
        figures = f"{cost.wall:.2f}", f"{EVENTS / cost.wall:,.0f}", f"{cost.cpu:.1f}", f"{cost.peak_mib:,.0f}"
        table.add_row(label, *figures, ratio, wanted)
    return table
