"""dbt-duckdb connection plugin: `bronze.*` views, pinned for the whole run, and the `ledger.*` tables.

`SMELT_PINS` names a JSON file of pins (written by `smelt build`, so that all its dbt invocations and a
repeated build read the same snapshots); without it the current snapshots are pinned when dbt connects.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from plugins.core.duck import LAKE_EXTENSIONS, load_extensions, quote
from plugins.core.lake import Lake, Pin, pin_namespace, scan_sql
from plugins.core.objects import allow_lake
from plugins.core.settings import load_settings
from plugins.core.warehouse.ledger_tables import lay_ledger_tables

PINS_VARIABLE = "SMELT_PINS"


def save_pins(path: Path, pins: Sequence[Pin]) -> None:
    """Write `pins` for later dbt invocations."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(pin) for pin in pins], indent=1))


def load_pins(path: Path) -> list[Pin]:
    """Read pins that `save_pins` wrote."""
    return [Pin(**pin) for pin in json.loads(path.read_text())]


class Plugin(BasePlugin):
    """Makes the bronze views on every new database connection."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Find the pins: named by the environment, or current."""
        if self.creds and self.creds.path != ":memory:":
            Path(self.creds.path).parent.mkdir(parents=True, exist_ok=True)
        self._settings = load_settings()
        self._lake = Lake(self._settings)
        pins_file = os.environ.get(PINS_VARIABLE)
        if pins_file:
            self._pins = load_pins(Path(pins_file))
        else:
            self._pins = pin_namespace(self._lake, "bronze") if self._lake.exists() else []

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Load the lake's extensions and lay the views; views of tables that are gone disappear."""
        load_extensions(conn, LAKE_EXTENSIONS)
        allow_lake(conn, self._settings)
        conn.execute("set timezone = 'UTC'")
        conn.execute("create schema if not exists bronze")
        wanted = {pin.table for pin in self._pins}
        present = conn.execute("select view_name from duckdb_views() where schema_name = 'bronze'").fetchall()
        for (name,) in present:
            if name not in wanted:
                conn.execute(f"drop view bronze.{quote(name)}")
        for pin in self._pins:
            conn.execute(f"create or replace view bronze.{quote(pin.table)} as from {scan_sql(pin)}")
        lay_ledger_tables(conn, self._settings)
