"""dbt-duckdb connection plugin: `bronze.*` views, pinned for the whole run, and the `ledger.*` tables.

`SMELT_PINS` names a JSON file of pins (written by `smelt build`, so that all its dbt invocations and a
repeated build read the same snapshots); without it the current snapshots are pinned when dbt connects.
"""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from plugins.core.duck import LAKE_EXTENSIONS, load_extensions, quote
from plugins.core.lake import Lake, pin_namespace, scan_sql
from plugins.core.lake.saved_pins import load_pins, registered
from plugins.core.objects import allow_lake
from plugins.core.settings import load_settings
from plugins.core.warehouse.in_place import lay_in_place
from plugins.core.warehouse.ledger_tables import lay_ledger_tables

PINS_VARIABLE = "SMELT_PINS"


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
            # Nobody else says so for them, and they must stay readable until this process ends.
            if self._pins:
                kept = ExitStack()
                kept.enter_context(registered(self._settings, self._pins))
                atexit.register(kept.close)

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
        lay_in_place(conn, self._settings, self._pins)
        for pin in self._pins:
            if pin.in_place:
                continue
            conn.execute(f"create or replace view bronze.{quote(pin.table)} as from {scan_sql(pin)}")
        lay_ledger_tables(conn, self._settings)
