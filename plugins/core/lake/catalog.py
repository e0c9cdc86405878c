"""Opening the catalog and making tables; nothing else in the code knows which catalog it is."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, ProgrammingError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from plugins.core.duck import open_way
from plugins.core.errors import SmeltError
from plugins.core.lake.pin import local_path
from plugins.core.lake.presence import has_lake
from plugins.core.objects import allow_lake
from plugins.core.settings import Settings, resolve

# pyiceberg's own retry must be off: with it, two writers that both checked their position both commit.
_TABLE_PROPERTIES = {"commit.retry.num-retries": "0", "write.parquet.compression-codec": "zstd"}


@dataclass(frozen=True)
class Lake:
    """The lake of one project. Cheap to construct; the catalog opens on first use."""

    settings: Settings

    @property
    def root(self) -> str:
        """The lake's folder or object-store prefix."""
        return self.settings.lake_root

    @cached_property
    def catalog(self) -> Catalog:
        """The pyiceberg catalog; raises SmeltError if it cannot be opened."""
        configured = {
            key: resolve(value, self.settings.project_dir, f"lake.catalog.{key}")
            for key, value in self.settings.lake.catalog.items()
        }
        is_remote = "://" in self.root
        warehouse = self.root if is_remote else f"file://{self.root}"
        defaults = {"type": "sql", "uri": self._sqlite_uri(), "warehouse": warehouse}
        if is_remote:
            defaults |= self._way_in()
        try:
            return _open({**defaults, **configured})
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise self._unreadable(error) from error

    def _sqlite_uri(self) -> str:
        self.settings.local_root.mkdir(parents=True, exist_ok=True)
        # Writers queue for up to a minute instead of failing with "database is locked".
        return f"sqlite:///{self.settings.local_root}/catalog.db?timeout=60"

    def _way_in(self) -> dict[str, str]:
        from plugins.core.objects.lake_io import io_properties

        open_way(self.root, lambda con: allow_lake(con, self.settings))
        return io_properties(self.settings)

    def _unreadable(self, error: Exception) -> SmeltError:
        where = self.settings.lake.catalog.get("uri", f"{self.settings.local_root}/catalog.db")
        return SmeltError(
            f"the Iceberg catalog {where} cannot be read: {getattr(error, 'orig', None) or error}",
            "restore it from a backup, or move the lake folder away and run `smelt ingest` to load it anew",
        )

    def table(self, identifier: str) -> Table:
        """The table as of now; raises SmeltError if it doesn't exist."""
        found = self.find(identifier)
        if found is None:
            raise SmeltError(f"there is no table {identifier} in the lake", "run `smelt ingest` first")
        return found

    def find(self, identifier: str) -> Table | None:
        """The table as of now, or None."""
        try:
            return self.catalog.load_table(identifier)
        except NoSuchTableError:
            return None
        except FileNotFoundError as error:
            raise SmeltError(
                f"the catalog names a metadata file of {identifier} that is gone: {error.filename or error}",
                "restore the lake folder from a backup, or drop the table and load it anew "
                "with `smelt ingest --reset`",
            ) from error
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise self._unreadable(error) from error

    def create(self, identifier: str, schema: pa.Schema, properties: dict[str, str] | None = None) -> Table:
        """The table called `identifier`, created with `schema` if it isn't there yet."""
        namespace = identifier.split(".")[0]
        # Another process may make it between the look and the leap: what was wanted is there.
        with contextlib.suppress(NamespaceAlreadyExistsError, IntegrityError):
            self.catalog.create_namespace_if_not_exists(namespace)
        try:
            return self.catalog.create_table(
                identifier, schema=schema, properties={**_TABLE_PROPERTIES, **(properties or {})}
            )
        except TableAlreadyExistsError:
            return self.catalog.load_table(identifier)

    def tables(self, namespace: str) -> list[str]:
        """Names (without namespace) of the tables in `namespace`, sorted."""
        try:
            if not self.catalog.namespace_exists(namespace):
                return []
            return sorted(identifier[-1] for identifier in self.catalog.list_tables(namespace))
        except (DatabaseError, sqlite3.DatabaseError) as error:
            raise self._unreadable(error) from error

    def exists(self) -> bool:
        """Whether anything was ever loaded here; doesn't create the lake."""
        return has_lake(self.settings)


@retry(
    retry=retry_if_exception_type((OperationalError, ProgrammingError, IntegrityError)),
    wait=wait_random_exponential(multiplier=0.05, max=1),
    stop=stop_after_attempt(5),
    reraise=True,
)
def _open(properties: dict[str, str]) -> Catalog:
    """Open the catalog; of several processes that all make its tables, those that lose the race look again."""
    return load_catalog("lake", **properties)


def data_folder(table: Table) -> str:
    """Where data files of `table` go; made if local."""
    folder = f"{local_path(table.location())}/data"
    if "://" not in folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return folder
