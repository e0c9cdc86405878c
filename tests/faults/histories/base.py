"""What all histories have: a thread that writes, a server behind a proxy, a project that follows it."""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
from pyiceberg.exceptions import NoSuchTableError
from ruamel.yaml import YAML

from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace, scan_sql
from plugins.core.settings import load_settings
from tests.faults.balance import Balance, Lanes, balance
from tests.faults.proxy import Proxy

# Steps of a followed table's maintenance, which goes on beside the commits.
CARE = [
    "compact-before-write", "compact-after-write", "compact-in-transaction", "compact-after-commit",
    "expire-before-commit", "expire-in-transaction", "expire-after-commit", "sweep-before-delete",
    "sweep-after-delete",
]  # fmt: skip
# Small enough that each of these steps comes every few seconds.
_SETTINGS = """
[maintenance]
small_files = 3
snapshots = 4
grace_minutes = 0.02
[retention]
bronze_days = 0
"""


class History(ABC):
    """Writes to one source while it is followed, and knows what it wrote.

    failpoints: those on the way of this source's events. proxy: between engine (webhooks: sender) and server.
    canaries: secrets that nobody may find anywhere; secret_files: where they are on purpose.
    """

    kind: str
    failpoints: list[str]

    def __init__(self, project: Path, seed: int) -> None:
        self.project, self.chance = project, random.Random(seed)
        self.proxy = Proxy()
        self.canaries: list[str] = []
        self.secret_files: list[Path] = []
        self.defect: BaseException | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"writer of {self.kind}", daemon=True)

    @abstractmethod
    def prepare(self) -> None:
        """Start the server, and declare its source in the project."""

    @abstractmethod
    def step(self) -> None:
        """Write a little; waits for a server that is away."""

    @abstractmethod
    def written(self) -> Lanes:
        """What was written until now, by lane."""

    @abstractmethod
    def found(self) -> Lanes:
        """What bronze holds, by lane."""

    @abstractmethod
    def restart(self, *, is_crash: bool) -> None:
        """Restart the source's server, also in the middle of everything."""

    @abstractmethod
    def rotate(self) -> None:
        """Change the credential at the server and, a moment later, where the project finds it."""

    @abstractmethod
    def close(self) -> None:
        """End the server."""

    def provoke(self, failpoint: str) -> None:  # noqa: B027 - most are come by without
        """Write what makes the engine come by `failpoint`, if it doesn't do so by itself."""

    def begin(self) -> None:
        """Begin to write."""
        self._thread.start()

    def end(self) -> None:
        """Write no more; raises what went wrong with writing."""
        self._is_over.set()
        if self._thread.ident is not None:
            self._thread.join(120)
        assert not self._thread.is_alive(), "the writer did not end"
        if self.defect is not None:
            raise self.defect

    def balance(self) -> Balance:
        """What was written beside what is in bronze."""
        return balance(self.written(), self.found())

    def secret(self, name: str) -> str:
        """A canary, written to a file that the project's settings refer to."""
        value = f"canary-{self.chance.getrandbits(80):020x}"
        self.canaries.append(value)
        self.keep(name, value)
        return value

    def keep(self, name: str, text: str) -> None:
        """Write a file of secrets."""
        path = self.project / name
        if path not in self.secret_files:
            self.secret_files.append(path)
        # Whoever reads it meanwhile gets the one or the other.
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)

    def declare(self, connection: str, **source: object) -> None:
        """Write smelt.toml and the source `s`."""
        (self.project / "smelt.toml").write_text(connection + _SETTINGS)
        folder = self.project / "sources" / "s"
        folder.mkdir(exist_ok=True)
        with (folder / "source.yml").open("w") as file:
            YAML(typ="safe", pure=True).dump({"connection": "c", "owner": "tests", **source}, file)

    def bronze(self, query: str, table: str) -> list[tuple]:
        """`query` over a bronze table, called `bronze` in it; no rows if there is no such table."""
        while True:
            try:
                pins = [p for p in pin_namespace(Lake(load_settings(self.project)), "bronze") if p.table == table]
                if not pins:
                    return []
                with duck.connect() as con:
                    con.execute(f"create temp view bronze as select * from {scan_sql(pins[0])}")
                    return con.execute(query).fetchall()
            except (NoSuchTableError, FileNotFoundError, duckdb.Error):
                # The grace of maintenance is a second here, and a scan may take longer.
                time.sleep(0.1)

    def _work(self) -> None:
        try:
            while not self._is_over.is_set():
                self.step()
        except BaseException as defect:  # noqa: BLE001 - raised by `end`
            self.defect = defect


def lanes(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Events by lane, in the order in which they come."""
    found: dict[str, list[str]] = {}
    for lane, event in pairs:
        found.setdefault(lane, []).append(event)
    return found
