"""A project with one source of any kind, and what its ingest leaves in bronze."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import ingest
from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace, scan_sql
from plugins.core.settings import load_settings


@dataclass
class Landed:
    """The source `s` with the stream `t`, loaded into a lake of its own."""

    project: Path
    kind: str
    connection: dict[str, str] = field(default_factory=dict)

    def declare(self, **stream: Any) -> None:
        """Write smelt.toml and source.yml; `stream` are the keys of `t`."""
        lines = "".join(f'{key} = "{value}"\n' for key, value in self.connection.items())
        (self.project / "smelt.toml").write_text(f"[connections.c]\n{lines}")
        folder = self.project / "sources" / "s"
        folder.mkdir(exist_ok=True)
        tree = {"kind": self.kind, "connection": "c", "owner": "tests", "streams": [{"name": "t"} | stream]}
        with (folder / "source.yml").open("w") as file:
            YAML(typ="safe", pure=True).dump(tree, file)

    def ingest(self, **options: Any) -> ingest.StreamResult:
        (result,) = ingest.run(load_settings(self.project), **options)
        return result

    def load(self, **options: Any) -> ingest.StreamResult:
        """Ingest, which must succeed."""
        result = self.ingest(**options)
        assert result.error is None, result.error
        return result

    def bronze(self, query: str, table: str = "s__t") -> list[tuple]:
        """`query` over the table, called `bronze` in it."""
        (pin,) = [pin for pin in pin_namespace(Lake(load_settings(self.project)), "bronze") if pin.table == table]
        con = duck.connect()
        con.execute(f"create temp view bronze as select * from {scan_sql(pin)}")
        return con.execute(query).fetchall()

    def letters(self) -> list[tuple[str, bytes]]:
        """Dead letters: reason and raw bytes."""
        return self.bronze("select reason, raw from bronze order by _smelt_source_position", "s__dead_letters")

    def command(self, *arguments: str) -> tuple[int, str]:
        """`smelt …` as a user runs it: exit code, and everything it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "plugins.cli", *arguments],
            cwd=self.project,
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    def metadata(self) -> str:
        return Lake(load_settings(self.project)).table("bronze.s__t").metadata_location
