"""The project's models on Spark, in this process: the same bronze snapshots as DuckDB reads, another engine.

usage: python -m plugins.core.warehouse.spark [--pins FILE] [--select MODEL ...]

    lake/warehouse/spark/<schema>.db/<table>/   what was built, as Parquet
    lake/warehouse/spark/metastore/             Spark's catalog of it (Derby: one process at a time)
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.core.errors import SmeltError
from plugins.core.lake import Lake, Pin, pin_namespace
from plugins.core.lake.saved_pins import load_pins
from plugins.core.settings import Settings, load_settings
from plugins.core.warehouse.dbt_plugin import PINS_VARIABLE
from plugins.core.warehouse.spark_bronze import view_sql

if TYPE_CHECKING:
    from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]

TARGET = "spark"
LAYERS = ("path:models/silver", "path:models/gold")


def warehouse_folder(settings: Settings) -> Path:
    """Where Spark keeps what it builds."""
    return settings.local_root / "warehouse" / "spark"


def run_models(settings: Settings, pins: Sequence[Pin], select: Sequence[str] = LAYERS) -> dict[str, str]:
    """`dbt run` of the selected models over the bronze snapshots of `pins`.

    Data tests, model contracts and the gates are not run: they stay with the build on DuckDB.
    Returns each model's status by its name, in the order of the run ("success", "error", "skipped").
    Raises SmeltError if Java or the extra is missing, or if Spark or dbt cannot begin.
    """
    session = open_session(settings)
    try:
        _lay_bronze(session, [view_sql(pin) for pin in pins], warehouse_folder(settings))
        return _dbt_run(settings.project_dir, select)
    finally:
        session.stop()


def _lay_bronze(session: SparkSession, views: Sequence[str], folder: Path) -> None:
    from pyspark.errors import PySparkException  # pyright: ignore[reportMissingImports]

    try:
        session.sql("create schema if not exists bronze")
        for view in views:
            session.sql(view)
    except PySparkException as error:
        raise SmeltError(
            f"Spark cannot use its catalog in {folder}: {str(error).strip().splitlines()[0]}",
            "if another process builds on Spark here, wait for it; else delete that folder: it is made anew",
        ) from error


def open_session(settings: Settings) -> SparkSession:
    """The process's local Spark session, which dbt-spark's `session` method finds and uses.

    Raises SmeltError if Java or the extra is missing.
    """
    try:
        from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise SmeltError("Spark is not installed", "install the extra: `uv sync --extra spark`") from None
    if not os.environ.get("JAVA_HOME") and not shutil.which("java"):
        raise SmeltError(
            "Spark needs Java, and there is no `java`",
            "install Java 17 or 21, such as `apt-get install default-jre-headless`",
        )
    folder = warehouse_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    builder = SparkSession.builder.appName("smelt").enableHiveSupport()
    for name, value in _session_conf(folder).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _session_conf(folder: Path) -> dict[str, str]:
    return {
        "spark.master": f"local[{os.cpu_count() or 1}]",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder}",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.sql.warehouse.dir": str(folder),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # One partition per core: the default of 200 is for clusters.
        "spark.sql.shuffle.partitions": str(os.cpu_count() or 1),
        # As DuckDB: a bad cast is an error, `timestamp` has no zone, and the clock is UTC.
        "spark.sql.ansi.enabled": "true",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.legacy.createHiveTableByDefault": "false",
    }


def _dbt_run(project_dir: Path, select: Sequence[str]) -> dict[str, str]:
    from dbt.cli.main import dbtRunner

    # A target folder of its own: DuckDB's manifest stays what deferral and docs read.
    arguments = ["run", "--target", TARGET, "--select", *select, "--target-path", "target/spark"]
    arguments += ["--project-dir", str(project_dir), "--profiles-dir", str(project_dir)]
    outcome: Any = dbtRunner().invoke(arguments)
    if outcome.result is None or outcome.exception:
        raise SmeltError(
            f"dbt cannot run on Spark: {outcome.exception or 'it stopped without saying why'}",
            f"dbt's log with the details is {project_dir / 'logs' / 'dbt.log'}",
        )
    return {result.node.name: str(result.status) for result in outcome.result.results}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the models; returns the exit code (1: a model failed)."""
    parser = argparse.ArgumentParser(prog="python -m plugins.core.warehouse.spark", description="Models on Spark.")
    parser.add_argument(
        "--pins", type=Path, help="bronze snapshots, as `smelt build` saves them; default: current"
    )
    parser.add_argument("--select", nargs="+", default=LAYERS, help="dbt selection; default: silver and gold")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings()
        file = given.pins or os.environ.get(PINS_VARIABLE)
        pins = load_pins(Path(file)) if file else pin_namespace(Lake(settings), "bronze")
        statuses = run_models(settings, pins, given.select)
    except SmeltError as error:
        print(
            f"error  {error.message}", *([f"fix    {error.hint}"] if error.hint else []), sep="\n", file=sys.stderr
        )
        return error.exit_code
    return int(any(status != "success" for status in statuses.values()))


if __name__ == "__main__":
    sys.exit(main())
